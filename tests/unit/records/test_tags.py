"""Which categories of an offence an answer names: the narrowest that the grant covers, and no other."""

from __future__ import annotations

import pytest

from access.catalogue import category_title
from records import catalogue
from records.models import Offence
from records.templatetags.records_tags import SECTIONS, categories_within

OFFENCES = {row["code"]: Offence(**row) for row in catalogue.offences()}
GAMBLING = OFFENCES["PSAPL2025-082-p1-i2"]


@pytest.mark.parametrize(
    ("allowed", "named"),
    [
        (["*"], ["gambling itself"]),
        (["GAMBLING_ACT", "THEFT"], ["gambling itself"]),
        (["GAMBLING"], ["gambling"]),
        (["SOCIAL_ADMIN"], ["obstructing social administration"]),
        (["SOCIAL_ADMIN", "GAMBLING"], ["gambling"]),
        (["THEFT"], []),
    ],
)
def test_gambling_is_named_as_narrowly_as_the_grant_covers(allowed, named):
    assert GAMBLING.tags == ["SOCIAL_ADMIN", "GAMBLING", "GAMBLING_ACT"]
    assert categories_within(GAMBLING, allowed) == named


@pytest.mark.parametrize("code", OFFENCES)
def test_every_offence_has_a_category_under_a_grant_of_all_and_its_section_only_where_it_has_no_other(code):
    offence = OFFENCES[code]
    sections = {category_title(code) for code in SECTIONS}

    named = categories_within(offence, ["*"])

    assert named and (sections.isdisjoint(named) or SECTIONS.issuperset(offence.tags))
