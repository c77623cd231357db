import json
import re
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from access import catalogue as access_catalogue
from access.catalogue import FrozenRowChanged, insert_missing, read
from records import catalogue
from records.models import Offence, SealingRule

ROWS = {row["code"]: row for row in read(Path(catalogue.__file__).parent / "offences.json")}
LOADED = {row["code"]: row for row in catalogue.offences()}
NEW = {code: row for code, row in ROWS.items() if row["law"] == "PSAPL-2025"}
OLD = {code: row for code, row in ROWS.items() if row["law"] == "PSAPL-2005"}
# Tags that the research lacks: each is as narrow as the one provision that uses it.
OWN_TAGS = {
    *("PROSTITUTION_ACT", "CYBER_NETWORK", "GAMBLING_ACT", "ABANDONMENT", "DEFAMATION", "EXTORTION", "SNATCH_LOOT"),
    *("STOLEN_GOODS", "SHELTER_DRUG_USE", "PERSONAL_INFO", "UNLICENSED", "PROCURING", "TIP_OFF", "PRECURSOR"),
    *("BORDER_CROSSING", "SWINDLE", "DAMAGE", "AFFRAY"),
}
# Where the check against the text of the law corrected the research: narrowed tags, one penalty, one circumstance.
CORRECTED_TAGS = {
    f"PSAPL2025-{place}"
    for place in (
        *("030-p1-i1", "039-p1-i1", "040-p1-i1", "040-p3-i1", "040-p3-i2", "041-p1-i1", "043-p1-i3", "047-p1-i1"),
        *("047-p1-i2", "047-p1-i3_1", "050-p1-i4", "053-p1-i3", "060-p1", "071-p1-i3", "077-p1-i2", "084-p2"),
        *("084-p3", "033-p1-i1", "033-p1-i2", "033-p1-i3", "033-p1-i4", "033-p1-i5"),
    )
}
CORRECTED_PENALTIES = {"PSAPL2025-089-p1-i1", "PSAPL2025-089-p1-i2", "PSAPL2025-052-p2"}
CORRECTED_NAMES = {"PSAPL2025-045-p1"}  # 2025 dropped the managers
CORRECTED_CITATIONS = {"PSAPL2025-051-p1-i1", "PSAPL2025-051-p1-i2"}  # the third band stands in paragraph 2

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "offences.json"
needs_shared = pytest.mark.skipif(not SHARED.is_file(), reason="the research data is not beside this checkout")


@needs_shared
def test_every_researched_offence_is_here_with_its_names_limits_and_tags():
    shared = json.loads(SHARED.read_text(encoding="utf-8"))

    assert len(shared["offences"]) == len(NEW) == 190
    for expected in shared["offences"]:
        row = NEW[expected["code"]]
        code = expected["code"]
        for name in ("penalty_tiers", "max_detention_days", "max_fine_yuan", "warning_possible"):
            assert row[name] == expected[name] or code in CORRECTED_PENALTIES, (code, name)
        assert row["name_zh"] == expected["name_zh"] or code in CORRECTED_NAMES
        assert row["citation_zh"] == "《治安管理处罚法》" + expected["citation_zh"] or code in CORRECTED_CITATIONS
        tags = (set(row["tags"]) - OWN_TAGS) | {f"{tag}?" for tag in row["debatable_tags"]}
        assert tags == set(expected["tags"]) or code in CORRECTED_TAGS, code
    for expected in shared["legacy_only"]:
        assert ROWS[expected["code"]]["name_zh"] == expected["name_zh"]


@needs_shared
def test_every_row_of_the_earlier_law_has_the_limits_that_were_read_from_its_text():
    limits = json.loads((SHARED.parent / "old_law_limits.json").read_text(encoding="utf-8"))["rows"]

    assert {row["code"] for row in limits} == set(OLD)
    for expected in limits:
        row = OLD[expected["code"]]
        for name in ("max_detention_days", "max_fine_yuan", "warning_possible"):
            assert row[name] == expected[name], (expected["code"], name)
        # Article 44 punished nudity only where the circumstances are vile.
        assert row["penalty_tiers"].endswith(expected["penalty_tiers"]), expected["code"]
        assert row["citation_en"] == expected["citation_en"] or expected["code"].startswith("PSAPL2005-051")


def test_a_name_that_is_not_the_ministrys_says_so():
    for row in ROWS.values():
        names = Offence(name_status=row["name_status"])
        assert names.is_named_by_this_project == (row["name_status"] != "MPS_CARRIED_OVER")
    # A name that differs from that of its predecessor is not carried over.
    for row in NEW.values():
        if row["predecessor"] and OLD[row["predecessor"]]["name_zh"] != row["name_zh"]:
            assert row["name_status"] != "MPS_CARRIED_OVER", row["code"]


def test_an_english_name_reads_as_a_name():
    for row in ROWS.values():
        assert "/" not in row["name_en"], row["code"]
        # A name is no note: what makes an offence heavier stands in its penalty.
        assert "(" not in row["name_en"], row["code"]
        assert row["name_en"][0].isupper()
        assert not row["name_en"].endswith(".")


@needs_shared
def test_every_offence_with_an_earlier_provision_has_a_predecessor():
    shared = json.loads(SHARED.read_text(encoding="utf-8"))["offences"]
    earlier = {row["code"] for row in shared if row["old_law_2012_ref"][0].isdigit()}

    # Article 24(2) of the earlier law let the police remove the person; it punished nobody.
    assert {code for code, row in NEW.items() if row["predecessor"]} == earlier - {"PSAPL2025-028-p2"}


def test_a_predecessor_is_of_the_earlier_law_and_ends_where_the_new_one_begins():
    for row in NEW.values():
        if row["predecessor"]:
            old = OLD[row["predecessor"]]
            assert (old["valid_from"], old["valid_until"]) == ("2006-03-01", "2025-12-31")
            assert old["citation_zh"].startswith("《治安管理处罚法》（2025年修订前）第")
        assert (row["valid_from"], row["valid_until"]) == ("2026-01-01", None)


@pytest.mark.parametrize(
    ("code", "citation_zh", "citation_en"),
    [
        ("PSAPL2005-026-p1-i2", "第二十三条第一款第二项", "PSAPL before 2026, Art. 23(1)(2)"),
        ("PSAPL2005-084-p1-i3", "第七十二条第三项", "PSAPL before 2026, Art. 72(3)"),
        ("PSAPL2005-078-p2", "第六十六条第二款", "PSAPL before 2026, Art. 66(2)"),
        ("PSAPL2005-128-p2", "第一百零九条第二款", "PSAPL before 2026, Art. 109(2)"),
    ],
)
def test_an_earlier_citation_tells_paragraph_from_item(code, citation_zh, citation_en):
    assert OLD[code]["citation_zh"].endswith(citation_zh)
    assert OLD[code]["citation_en"] == citation_en


def test_every_tag_has_a_title_in_both_languages():
    used = {tag for row in ROWS.values() for tag in row["tags"] + row["debatable_tags"]}

    assert used <= set(access_catalogue.categories())


def test_the_narrow_tags_reach_no_further_than_their_article():
    assert {row["article"] for row in NEW.values() if "CYBER_NETWORK" in row["tags"]} == {33}
    acts = {row["code"] for row in NEW.values() if "PROSTITUTION_ACT" in row["tags"]}
    assert acts == {"PSAPL2025-078-p1-i1", "PSAPL2025-078-p1-i2"}


def test_of_the_same_kind_is_one_act_of_one_article_and_never_a_section():
    sections = {"PUBLIC_ORDER", "PUBLIC_SAFETY", "PERSON", "PROPERTY", "SOCIAL_ADMIN", "*"}
    kinds = set(access_catalogue.kinds_of_acts())
    assert not kinds & (sections | {"FRAUD", "OBSTRUCTION", "POLITICAL", "BUSINESS", "DRUG_OTHER", "PROSTITUTION"})
    for kind in kinds:
        for law in (NEW, OLD):
            # Driving animals to harm somebody is punished as the assault that it is.
            articles = {
                row["article"] for row in law.values() if kind in row["tags"] and not row["code"].endswith("089-p4")
            }
            assert len(articles) <= 1, (kind, articles)


def test_the_kinds_of_the_database_are_those_of_the_file():
    text = (Path(access_catalogue.__file__).parents[1] / "sql" / "access_act_kinds.sql").read_text(encoding="utf-8")

    assert re.findall("'([A-Z_]+)'", text) == sorted(access_catalogue.kinds_of_acts())


def test_an_offence_is_found_by_the_sound_and_the_initials_of_its_name():
    assert NEW["PSAPL2025-058-p1-i1"]["pinyin"] == "daoqie dq"
    assert all(row["pinyin"].isascii() for row in ROWS.values())


@pytest.mark.usefixtures("as_owner")
def test_loading_twice_inserts_once():
    catalogue.load_offences()
    catalogue.load_sealing_rules()

    assert Offence.objects.count() == len(ROWS)
    assert catalogue.load_offences() == catalogue.load_sealing_rules() == 0


@pytest.mark.usefixtures("as_owner")
def test_a_loaded_offence_whose_text_changed_is_refused_with_the_way_out():
    catalogue.load_offences()
    changed = {**LOADED["PSAPL2025-058-p1-i1"], "max_fine_yuan": 9000}

    with pytest.raises(FrozenRowChanged, match="max_fine_yuan. Add a new code with its own valid_from"):
        insert_missing(Offence, [changed], key=("code",))


@pytest.mark.usefixtures("as_owner")
def test_the_default_rule_seals_on_service_and_another_one_on_import():
    catalogue.load_sealing_rules()

    assert SealingRule.objects.get(code="DECISION_SERVED", version=1).trigger == "SERVED"
    assert SealingRule.objects.get(code="IMPORTED_BEFORE_2026", version=1).trigger == "IMPORTED"
    assert SealingRule.objects.filter(valid_from=date(2026, 1, 1)).count() == 2


@pytest.mark.usefixtures("as_owner")
def test_the_command_writes_one_event_and_only_when_something_was_inserted(owner, monkeypatch):
    call_command("load_catalogue", stdout=StringIO())
    rule = read(Path(catalogue.__file__).parent / "sealing_rules.json")[0]
    second = {**rule, "version": 2, "valid_from": "2027-01-01"}
    monkeypatch.setattr(
        catalogue, "load_sealing_rules", lambda: insert_missing(SealingRule, [second], key=("code", "version"))
    )
    before, first, again = events_of_loading(owner), StringIO(), StringIO()

    call_command("load_catalogue", stdout=first)
    call_command("load_catalogue", stdout=again)

    assert "sealing rules: 1 inserted" in first.getvalue()
    assert "sealing rules: 0 inserted" in again.getvalue()
    assert events_of_loading(owner) == before + 1


def events_of_loading(owner):
    kind = "convert_from(canonical, 'UTF8')::jsonb ->> 'kind'"
    return owner.execute(f"SELECT count(*) FROM audit_event WHERE {kind} = 'CATALOGUE_LOADED'").fetchone()[0]


@pytest.mark.usefixtures("as_owner")
def test_the_command_stops_with_a_sentence_when_a_row_changed(monkeypatch):
    call_command("load_catalogue", stdout=StringIO())

    def changed():
        raise FrozenRowChanged("Offence X is loaded, and its file now differs.")

    monkeypatch.setattr(catalogue, "load_offences", changed)
    with pytest.raises(CommandError, match="Offence X is loaded"):
        call_command("load_catalogue", stdout=StringIO())
