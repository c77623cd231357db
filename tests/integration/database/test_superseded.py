"""Once a newer version of a basis or purpose has begun, no SQL submits or approves under the older one."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from access.models import Grant
from tests import factories
from tests.integration.database.test_asked import submit
from tests.integration.database.test_forgeries import VOTE, refused, vote_values

pytestmark = pytest.mark.django_db(transaction=True)
CLOSED = {"standing": "REFUSED", "standing_reason_zh": "已废止。", "standing_reason_en": "Repealed."}


def drafted(city, of):
    """Return a complete draft, and the row of the law that will be superseded."""
    if of == "basis":
        draft = factories.request_draft(city)
        return draft, draft.basis
    draft = factories.request_draft(city, by=city.judge, code="PSAPL-136-CASE")
    return draft, draft.case_purpose


@pytest.mark.parametrize("of", ["basis", "purpose"])
@pytest.mark.parametrize("change", [CLOSED, {"categories": ["SEXUAL"]}], ids=["closed", "narrower"])
def test_nothing_is_submitted_under_an_older_version(app, city, enact, of, change):
    draft, old = drafted(city, of)
    enact(factories.version_of(old, 2, **change))
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, draft)
    assert refused(error)


@pytest.mark.parametrize("of", ["basis", "purpose"])
def test_nobody_approves_under_an_older_version(app, city, enact, of):
    draft, old = drafted(city, of)
    submit(app, city, draft)
    enact(factories.version_of(old, 2, **CLOSED))
    window = factories.scope_for(draft).window_from
    with pytest.raises(psycopg.DatabaseError) as error:
        app.execute(VOTE, vote_values(draft, city.supervisor, window_from=window))
    assert refused(error)
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    "change", [CLOSED, {"valid_from": timezone.localdate() + timedelta(days=1)}], ids=["closed", "not begun"]
)
def test_nothing_is_submitted_under_a_version_that_is_closed_or_has_not_begun(app, city, enact, change):
    draft, old = drafted(city, "basis")
    newer = enact(factories.version_of(old, 2, **change))
    with pytest.raises(psycopg.DatabaseError) as error:
        submit(app, city, draft, basis_id=newer.pk)
    assert refused(error)


def test_what_has_not_begun_supersedes_nothing(app, city, enact):
    draft, old = drafted(city, "purpose")
    enact(factories.version_of(old, 2, valid_from=timezone.localdate() + timedelta(days=1), **CLOSED))
    assert submit(app, city, draft).status == "SUBMITTED"
