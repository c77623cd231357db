"""How large a table is tells nothing: the row of a shown answer is as long for nobody as for somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from records import keyservice
from tests import factories
from tests.integration.database.test_replays import open_event

pytestmark = pytest.mark.django_db(transaction=True)

RUNGS = {
    "PRESENCE": {},
    "ABSTRACT": {"code": "PSAPL-136-CASE", "asked_rung": "ABSTRACT"},
    "FULL": {"code": "PSAPL-136-CASE", "asked_rung": "FULL"},
}


@pytest.mark.parametrize("rung", RUNGS)
def test_the_row_of_a_shown_answer_is_equally_long_for_none_one_and_three_records(owner, city, rung):
    asked = RUNGS[rung] | ({"by": city.judge} if RUNGS[rung] else {})
    theft = {
        "offence_code": "PSAPL2025-058-p1-i1",
        "penalty": factories.Penalty(detention_days=6),
        "day": timezone.localdate() - timedelta(days=60),
    }
    kept, told = [], []
    for count in (0, 1, 3):
        subject = factories.person()
        for _each in range(count):
            factories.sealed(city, subject, **(theft if asked else {}))
        event = open_event(factories.ready(factories.approved(city, subject, **asked)))
        answer = keyservice.open([event])[event]
        told.append(len(answer.rows) if asked else answer.is_present)
        kept.append(
            owner.execute(
                "select pg_column_size(s), cardinality(covered),"
                " cardinality(array_remove(covered, '00000000-0000-0000-0000-000000000000'))"
                " from sealed.shown s where event_id = %s",
                [event],
            ).fetchone()
        )
    assert len({size for size, _places, _named in kept}) == 1
    assert [places for _size, places, _named in kept] == [8, 8, 8]
    assert [named for _size, _places, named in kept] == ([0, 1, 3] if asked else [0, 1, 1])
    assert told == ([0, 1, 3] if asked else [False, True, True])
