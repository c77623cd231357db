"""What the code and the database both say, they say alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from access.models.people import POLICE_KINDS, OrganisationKind
from access.models.proposals import RULES
from access.views.identity import CHANGE
from tests import factories

pytestmark = pytest.mark.django_db
SQL = Path(__file__).resolve().parents[3] / "access" / "sql"


def test_each_kind_of_proposal_is_decided_by_the_duty_that_the_database_asks_for():
    asked = factories.as_owner("select jsonb_object_agg(kind, duty) from access_proposalkind")
    assert asked == {kind.value: rules.decided_by.value for kind, rules in RULES.items()}


def test_the_changes_that_identity_is_confirmed_for_are_those_that_the_database_knows():
    [known] = re.findall(
        r"when 'CHANGE' then p_target = p_user\s+and p_detail ~ '\^\((.*)\)\$'",
        (SQL / "access_confirm.sql").read_text(),
    )
    same = {"password", "app-add", "app-remove", "codes", "key-add"}
    assert set(known.split("|")) - {"key-remove-[1-9][0-9]{0,17}"} == same
    assert set(CHANGE.pattern.split("|")) - {r"key-remove-([1-9]\d{0,17})"} == same
    assert len(known.split("|")) == len(CHANGE.pattern.split("|")) == len(same) + 1


@pytest.mark.parametrize("kind", OrganisationKind)
def test_the_same_units_are_public_security_organs(kind):
    assert factories.as_owner("select access_is_police(%s)", kind.value) == (kind in POLICE_KINDS)
