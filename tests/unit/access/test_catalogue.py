import json
from datetime import date
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from access import catalogue
from access.catalogue import FrozenRowChanged
from access.models import CasePurpose, LegalBasis, WorkingDay
from access.models.law import RecordFilter, Rung, Standing
from access.models.people import JUDICIAL_KINDS, POLICE_KINDS, OrganisationKind

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
CHILDREN = {"SEXUAL", "ABUSE", "VIOLENCE", "MINOR_HARM"}
# Tags of the research that a row narrows, and why: see the notes of the row.
NARROWED = {
    "UMPL-62": CHILDREN,
    "UMPL-62-ANNUAL": CHILDREN,
    "CHILDCARE-HOME": CHILDREN,
    "PRESCHOOL-44": {"SEXUAL", "ABUSE", "VIOLENCE", "DRUG_USE", "GAMBLING_ACT"},
    "ENT-5": {"PROSTITUTION_ACT"},
    "CSL-66": {"CYBER_NETWORK"},
    "CII-14": {"CYBER"},
    "CIVSERV-26": set(),
    "NOTARY-11": set(),
    "PERFORMER-SELF": set(),
}
# What the check against the texts added to a row of the research.
WIDENED = {"CIVIL-1098": {"ABANDONMENT"}}  # formerly inside ABUSE
# Where the check against the texts found no national provision, no verified wording, or the power with somebody else.
CORRECTED_STANDING = {
    "AUX-POLICE": "LEGAL_REVIEW_FIRST",
    "POLICE-RECRUIT": "LEGAL_REVIEW_FIRST",
    "POLICE-ACADEMY": "LEGAL_REVIEW_FIRST",
    "DL-15": "LEGAL_REVIEW_FIRST",
    "CHILDCARE-HOME": "LEGAL_REVIEW_FIRST",
}
# Found missing: in the standing that the findings propose.
ADDED_BASES = {
    "EDU-2020-14-QUAL": "LEGAL_REVIEW_FIRST",
    "ENT-5-VENUE": "LEGAL_REVIEW_FIRST",
    "PFPL-41": "LEGAL_REVIEW_FIRST",
    "TRANSIT-33": "LEGAL_REVIEW_FIRST",
    "GORGES-28": "LEGAL_REVIEW_FIRST",
    "SECRETS-43": "LEGAL_REVIEW_FIRST",
    "CIVILIAN-20": "LEGAL_REVIEW_FIRST",
    "RESERVIST": "LEGAL_REVIEW_FIRST",
    "TEACHERQUAL-15": "REFUSED",
    "PRECURSOR-7": "REFUSED",
    "GUARD-8": "REFUSED",
}
# One narrow tag each, as the text of each names it.
NARROWED_PURPOSES = {
    "CASE-65-2": ["UNLICENSED"],
    "CRIM-EXTORT": ["EXTORTION"],
    "CRIM-SNATCH": ["SNATCH_LOOT"],
    "CRIM-DEFAME": ["DEFAMATION"],
    "CRIM-PI": ["PERSONAL_INFO"],
    "CRIM-SHELTER": ["SHELTER_DRUG_USE"],
    "CRIM-RECEIVE": ["STOLEN_GOODS"],
}
ADDED_PURPOSES = {
    *("CASE-PROC-160", "CRIM-PROCURE", "CRIM-TIPOFF", "CRIM-NETUSE", "CRIM-NETHELP", "CRIM-BORDER"),
    *("CRIM-PRECURSOR", "CRIM-DANGER", "CASE-AGG-20"),
}


@needs_shared
def test_every_researched_basis_is_here_with_its_standing_and_tags():
    shared = {row["id"]: row for row in json.loads((SHARED / "query_bases.json").read_text(encoding="utf-8"))}

    assert len(shared) == 32
    assert set(BASES) == set(shared) | {"PSAPL-136-CASE"} | set(ADDED_BASES)
    for code, row in shared.items():
        certain = {tag for tag in row["category_tags"] if not tag.endswith("?")}
        assert BASES[code]["standing"] == CORRECTED_STANDING.get(code, STANDING_OF[row["system_default"]]), code
        assert set(BASES[code]["categories"]) == NARROWED.get(code, certain) | WIDENED.get(code, set()), code


def test_what_was_missing_is_here_in_the_standing_that_was_proposed():
    assert {code: BASES[code]["standing"] for code in ADDED_BASES} == ADDED_BASES
    assert set(PURPOSES) >= ADDED_PURPOSES


@needs_shared
def test_every_researched_purpose_is_here_with_its_window_and_tags():
    shared = {row["id"]: row for row in json.loads((SHARED / "case_purposes.json").read_text(encoding="utf-8"))}
    months = {"1 year": 12, "1 year, >=2": 12, "2 years": 24, "lifetime": None, "case-bound": None}

    assert len(shared) == 17
    assert set(PURPOSES) == set(shared) | ADDED_PURPOSES
    for code, row in shared.items():
        assert PURPOSES[code]["window_months"] == months[row["window"]], code
        # About one decision, or about the time that the request names: never a whole life.
        is_bound = PURPOSES[code]["case_bound"] or PURPOSES[code]["names_decision"]
        assert is_bound == (row["window"] == "case-bound"), code
        assert PURPOSES[code]["categories"] == NARROWED_PURPOSES.get(code, row["category_tags"]), code


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

    assert row["title_zh"] and row["title_en"] and row["citation_en"]
    # The notices of many cities have no common title.
    assert row["citation_zh"].startswith("《") or code == "AUX-POLICE"
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
    assert set(full[0]["organisation_kinds"]) == JUDICIAL_KINDS | POLICE_KINDS
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
    assert set(row["organisation_kinds"]) <= JUDICIAL_KINDS | POLICE_KINDS
    assert row["organisation_kinds"]
    assert set(row["categories"]) <= set(catalogue.categories())
    assert row["categories"]
    if row["standing"] == Standing.ENABLED:
        assert row["standing_reason_zh"] == row["standing_reason_en"] == ""
    else:
        assert row["standing_reason_zh"].endswith("。") and row["standing_reason_en"].endswith(".")


OF_THE_LAW_OF_2025 = {"CASE-AGG-22", "CASE-DET-23", "CASE-65-2"}


@pytest.mark.parametrize("code", PURPOSES)
def test_a_window_is_that_of_the_law_of_the_day_of_the_act(code):
    """Administrative Penalty Law, Article 37: what the law of 2025 made heavier is for acts since 2026."""
    row = PURPOSES[code]
    rests_on_it = row["citation_zh"].startswith("《治安管理处罚法》第") and row["window_months"] is not None
    assert rests_on_it == (code in OF_THE_LAW_OF_2025)
    assert row["acts_from"] == ("2026-01-01" if rests_on_it else None)
    assert row["acts_until"] == ("2025-12-31" if code == "CASE-AGG-20" else None)
    if row["window_months"] or row["acts_from"] or row["acts_until"] or row["age_bands"]:
        assert row["counts_from_act"]


def test_ages_are_those_of_article_23():
    assert {code: row["age_bands"] for code, row in PURPOSES.items() if row["age_bands"]} == {
        "CASE-DET-23": ["from_14", "from_70"],
        "CASE-FIRST-1618": ["from_16"],
    }


def test_only_who_judges_the_decision_or_the_person_of_the_case_reads_particulars():
    assert {code for code, row in PURPOSES.items() if row["highest_rung"] == Rung.FULL} == {"SUPERVISE-18", "REVIEW"}


def test_what_speaks_of_earlier_penalties_ends_on_the_day_of_the_new_act():
    assert {code for code, row in PURPOSES.items() if not row["counts_from_act"]} == {"SUPERVISE-18", "REVIEW"}


def test_who_asks_is_who_the_text_lets_ask():
    assert BASES["ENT-5"]["organisation_kinds"] == ["CULTURE_AUTHORITY"]
    assert {"DOMESTIC_SERVICE", "RESCUE_INSTITUTION", "AFTER_SCHOOL_CARE"} < set(BASES["UMPL-62"]["organisation_kinds"])
    assert "举办者" not in BASES["PRESCHOOL-44"]["title_zh"]


@pytest.mark.parametrize("code", BASES)
def test_every_basis_stands_by_one_measure(code):
    """A national provision, about violations, that gives the query to who asks; the database refuses anything else."""
    row = BASES[code]
    is_national = row["level"] in ("LAW", "ADMIN_REG")
    if row["standing"] == Standing.ENABLED:
        assert is_national and row["names_records"] == "VIOLATIONS" and row["asked_by"] in ("UNIT", "AUTHORITY")
    elif row["standing"] == Standing.POLICE_INTERNAL:
        assert is_national and row["names_records"] != "CRIMES" and row["asked_by"] == "POLICE"
    if row["names_records"] == "CRIMES":
        assert row["standing"] == Standing.REFUSED
    if not is_national:
        assert row["standing"] in (Standing.LEGAL_REVIEW_FIRST, Standing.REFUSED)


@pytest.mark.parametrize("code", [*BASES, *PURPOSES])
def test_what_was_not_verified_says_so_on_the_screen_and_is_not_used(code):
    row = BASES.get(code) or PURPOSES[code]
    said = row["standing_reason_en"] + row["remark_en"]
    if "not verified" in row["standing_reason_en"]:
        assert row["standing"] != Standing.ENABLED
        assert "未经核实" in row["standing_reason_zh"]
    if row["confidence"].startswith(("medium", "low")) and row["standing"] == Standing.ENABLED:
        assert "verified" in said, code


def test_a_repealed_interpretation_ends_on_its_day():
    row = PURPOSES["CRIM-RECEIVE"]

    assert (row["valid_until"], row["standing"]) == ("2025-08-25", Standing.REFUSED)
    assert "2025-08-26" in row["standing_reason_en"] and "2025年8月26日" in row["standing_reason_zh"]


def test_one_earlier_act_is_enough_where_the_present_one_counts():
    assert PURPOSES["CASE-DET-23"]["minimum_count"] == 1
    assert "70 or over" in PURPOSES["CASE-DET-23"]["title_en"]
    assert [code for code, row in PURPOSES.items() if row["minimum_count"] > 1] == ["CASE-PROC-160"]


def test_a_law_is_quoted_as_it_stands():
    assert BASES["CSL-66"]["quote_zh"].startswith("违反本法第二十九条规定，受到")
    assert BASES["CIVSERV-26"]["quote_zh"] == "下列人员不得录用为公务员：（一）因犯罪受过刑事处罚的"
    assert BASES["LAWYER-7"]["quote_zh"] == ""
    assert "《检察官法》第十三条" in BASES["LAWYER-7"]["citation_zh"]
    assert "安全背景审查" not in BASES["EXPRESS-32"]["standing_reason_zh"]
    assert "第一百三十六条" not in BASES["AUX-POLICE"]["citation_zh"]
    # The whole exception of Article 59(1) of the Law on the Prevention of Juvenile Delinquency, not one limb of it.
    assert "“但司法机关因办案需要或者有关单位根据国家有关规定进行查询的除外”" in BASES["PSAPL-136-CASE"]["remark_zh"]
    assert PURPOSES["CRIM-EXTORT"]["quote_zh"] == "一年内曾因敲诈勒索受过行政处罚的"
    assert "二年内受过行政处罚" in PURPOSES["CRIM-PI"]["quote_zh"]
    assert (
        PURPOSES["CRIM-DANGER"]["quote_zh"].startswith("曾因危害") and "行政处罚" in PURPOSES["CRIM-DANGER"]["quote_zh"]
    )


def test_the_review_says_that_only_courts_may_ask():
    assert PURPOSES["REVIEW"]["organisation_kinds"] == ["COURT"]
    assert "限审理行政案件的人民法院申请" in PURPOSES["REVIEW"]["remark_zh"]
    assert PURPOSES["REVIEW"]["remark_en"].startswith("Only courts that try the administrative case may ask")


@pytest.mark.parametrize("row", [*BASES.values(), *PURPOSES.values()], ids=lambda row: row["code"])
def test_no_refusal_names_a_way_around_the_seal(row):
    for around in ("本人声明", "向本人", "自行声明", "ask the person", "declaration"):
        assert around not in row["standing_reason_zh"] + row["standing_reason_en"]


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
@pytest.mark.parametrize(
    "changes",
    [
        {"level": "DEPT_RULE"},
        {"level": "NORMATIVE"},
        {"names_records": "CRIMES"},
        {"names_records": "NOT_SAID"},
        {"asked_by": "NOBODY"},
        {"standing": "POLICE_INTERNAL", "asked_by": "UNIT"},
    ],
)
def test_the_database_refuses_a_basis_in_use_that_fails_the_measure(changes):
    row = {**BASES["UMPL-62"], "standing_reason_zh": "无。", "standing_reason_en": "None.", "version": 2, **changes}

    with pytest.raises(IntegrityError, match="standing_by_one_measure"), transaction.atomic():
        catalogue.insert_missing(LegalBasis, [row], key=("code", "version"))


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
