import json
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from access import catalogue
from access.catalogue import FrozenRowChanged
from access.models import CasePurpose, LegalBasis, WorkingDay
from access.models.law import RecordFilter, Rung, Standing
from access.models.people import CASE_HANDLING_KINDS, POLICE_KINDS, OrganisationKind

FOLDER = Path(catalogue.__file__).parent
BASES = {row["code"]: row for row in catalogue.read(FOLDER / "legal_bases.json")}
PURPOSES = {row["code"]: row for row in catalogue.read(FOLDER / "case_purposes.json")}
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the research data is not beside this checkout")
STANDING_OF = {
    "ALLOW_WITH_APPROVAL": "ENABLED",
    "INTERNAL_POLICE_USE": "POLICE_INTERNAL",
    "LEGAL_REVIEW_FIRST": "LEGAL_REVIEW_FIRST",
    "DENY_CRIME_ONLY": "REFUSED",
    "DENY_NOT_NATIONAL_PROVISION": "REFUSED",
    "OUTBOUND_NOTIFICATION": "NOTICE_ONLY",
}
# Tags of the research that a row narrows, and why: see the notes of the row.
NARROWED = {
    "ENT-5": {"PROSTITUTION_ACT"},
    "CSL-66": {"CYBER_NETWORK"},
    "CII-14": {"CYBER"},
    "CIVSERV-26": set(),
    "NOTARY-11": set(),
    "PERFORMER-SELF": set(),
}


@needs_shared
def test_every_researched_basis_is_here_with_its_standing_and_tags():
    shared = {row["id"]: row for row in json.loads((SHARED / "query_bases.json").read_text(encoding="utf-8"))}

    assert len(shared) == 32
    assert set(BASES) == set(shared) | {"PSAPL-136-CASE"}
    for code, row in shared.items():
        certain = {tag for tag in row["category_tags"] if not tag.endswith("?")}
        assert BASES[code]["standing"] == STANDING_OF[row["system_default"]], code
        assert set(BASES[code]["categories"]) == NARROWED.get(code, certain), code


@needs_shared
def test_every_researched_purpose_is_here_with_its_window_and_tags():
    shared = {row["id"]: row for row in json.loads((SHARED / "case_purposes.json").read_text(encoding="utf-8"))}
    months = {"1 year": 12, "1 year, >=2": 12, "2 years": 24, "lifetime": None, "case-bound": None}

    assert len(shared) == 17
    assert set(PURPOSES) == set(shared)
    for code, row in shared.items():
        assert PURPOSES[code]["window_months"] == months[row["window"]], code
        assert PURPOSES[code]["case_bound"] == (row["window"] == "case-bound"), code
        assert PURPOSES[code]["categories"] == row["category_tags"], code


@pytest.mark.parametrize("code", BASES)
def test_a_basis_that_is_not_enabled_says_why_with_a_citation_in_both_languages(code):
    row = BASES[code]
    if row["standing"] == Standing.ENABLED:
        assert row["standing_reason_zh"] == row["standing_reason_en"] == ""
    else:
        assert "《" in row["standing_reason_zh"]
        assert row["standing_reason_zh"].endswith("。")
        assert row["standing_reason_en"].endswith(".")
        assert any(word in row["standing_reason_en"] for word in ("Art", "Measures", "notices", "Provisions")), code


@pytest.mark.parametrize("code", BASES)
def test_a_basis_is_complete_and_its_words_are_known(code):
    row = BASES[code]

    assert row["title_zh"] and row["title_en"] and row["citation_zh"].startswith("《") and row["citation_en"]
    assert set(row["organisation_kinds"]) <= set(OrganisationKind.values)
    assert row["organisation_kinds"]
    assert set(row["categories"]) <= set(catalogue.categories())
    assert row["record_filter"] in RecordFilter.values
    assert row["needs_letter"]
    if row["standing"] in (Standing.ENABLED, Standing.POLICE_INTERNAL):
        assert row["categories"]
    if row["standing"] == Standing.POLICE_INTERNAL:
        assert set(row["organisation_kinds"]) <= POLICE_KINDS


def test_only_a_state_organ_with_a_case_gets_the_particulars_and_only_from_two_units():
    full = [row for row in BASES.values() if row["highest_rung"] == Rung.FULL]

    assert [row["code"] for row in full] == ["PSAPL-136-CASE"]
    assert set(full[0]["organisation_kinds"]) == CASE_HANDLING_KINDS
    assert full[0]["approvals"] == 2
    assert full[0]["two_units"]
    assert full[0]["needs_case_number"]
    assert full[0]["needs_case_purpose"]


def test_units_outside_the_police_learn_presence_and_no_more():
    for row in BASES.values():
        if row["gate"] == "UNIT" and row["standing"] != Standing.POLICE_INTERNAL:
            assert row["highest_rung"] == Rung.PRESENCE, row["code"]


def test_entertainment_venues_reach_only_prostitution_with_detention():
    assert BASES["ENT-5"]["categories"] == ["PROSTITUTION_ACT"]
    assert BASES["ENT-5"]["record_filter"] == RecordFilter.DETENTION


def test_guards_are_judged_by_three_detentions():
    assert BASES["GUARD-17"]["record_filter"] == RecordFilter.DETENTION_AT_LEAST
    assert BASES["GUARD-17"]["filter_count"] == 3


@pytest.mark.parametrize("code", PURPOSES)
def test_a_purpose_is_complete_and_belongs_to_state_organs(code):
    row = PURPOSES[code]

    assert row["title_zh"] and row["title_en"] and "《" in row["citation_zh"] and row["citation_en"]
    assert set(row["organisation_kinds"]) <= CASE_HANDLING_KINDS
    assert row["organisation_kinds"]
    assert set(row["categories"]) <= set(catalogue.categories())


def test_a_category_is_named_in_the_readers_language():
    with translation.override("en"):
        assert catalogue.category_title("DRUG_USE") == "drug use"
    with translation.override("zh-hans"):
        assert catalogue.category_title("DRUG_USE") == "吸毒"
        assert catalogue.category_title("UNKNOWN") == "UNKNOWN"


@pytest.mark.usefixtures("as_owner")
def test_loading_twice_inserts_once():
    catalogue.load_legal_bases()
    catalogue.load_case_purposes()
    catalogue.load_calendar()

    assert LegalBasis.objects.count() == len(BASES)
    assert CasePurpose.objects.count() == len(PURPOSES)
    assert catalogue.load_legal_bases() == catalogue.load_case_purposes() == catalogue.load_calendar() == 0


@pytest.mark.usefixtures("as_owner")
def test_a_loaded_basis_whose_file_changed_is_refused_with_the_way_out():
    catalogue.load_legal_bases()
    changed = {**BASES["UMPL-62"], "look_back_months": 12}

    with pytest.raises(FrozenRowChanged, match="UMPL-62 version 1 .* look_back_months. Add a new version"):
        catalogue.insert_missing(LegalBasis, [changed], key=("code", "version"))


@pytest.mark.usefixtures("as_owner")
def test_a_new_version_is_inserted_beside_the_old_one():
    catalogue.load_legal_bases()
    second = {**BASES["UMPL-62"], "version": 2, "look_back_months": 120, "valid_from": "2027-01-01"}

    assert catalogue.insert_missing(LegalBasis, [second], key=("code", "version")) == 1
    assert LegalBasis.objects.filter(code="UMPL-62").count() == 2


@pytest.mark.usefixtures("as_owner")
def test_the_calendar_knows_moved_weekends_and_says_where_from():
    catalogue.load_calendar()

    assert not WorkingDay.objects.get(day=date(2026, 10, 1)).is_working
    assert WorkingDay.objects.get(day=date(2026, 10, 10)).is_working
    assert "State Council" in WorkingDay.objects.get(day=date(2024, 1, 1)).source
