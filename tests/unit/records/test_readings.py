"""Every basis and purpose against every offence: what the tags answer is what somebody read in the text (readings.json)."""

from pathlib import Path

import pytest

from access import catalogue as law_catalogue
from access.catalogue import read
from access.models.law import Standing
from records import catalogue

OFFENCES = {row["code"]: row for row in read(Path(catalogue.__file__).parent / "offences.json")}
FOLDER = Path(law_catalogue.__file__).parent
BASES = {row["code"]: row for row in read(FOLDER / "legal_bases.json")}
PURPOSES = {row["code"]: row for row in read(FOLDER / "case_purposes.json")}
READINGS = {row["code"]: row for row in read(Path(__file__).parent / "readings.json")}
IN_USE = {Standing.ENABLED, Standing.POLICE_INTERNAL}


def rows_at(places: list[str]) -> set[str]:
    """Return the rows of a place in both laws; a place that no law has would be a slip of the reader."""
    found = {code for place in places for code in OFFENCES if place in (code, code.split("-", 1)[1])}
    assert all(any(place in (code, code.split("-", 1)[1]) for code in found) for place in places), places
    return found


def answered(row: dict) -> set[str]:
    """Return the offences whose records an answer may hold."""
    if row["standing"] not in IN_USE:
        return set()
    wanted = set(row["categories"])
    return {code for code, offence in OFFENCES.items() if "*" in wanted or wanted & set(offence["tags"])}


def test_there_is_a_reading_for_every_basis_and_purpose():
    assert set(READINGS) == set(BASES) | set(PURPOSES)
    assert len(OFFENCES) == 340


@pytest.mark.parametrize("code", READINGS)
def test_what_is_answered_is_what_the_text_names(code):
    reading, row = READINGS[code], BASES.get(code) or PURPOSES[code]
    named = set(OFFENCES) if reading["covers"] == "*" else rows_at(reading["covers"])

    assert answered(row) == named, code


@pytest.mark.parametrize("code", READINGS)
def test_the_neighbours_that_the_text_does_not_name_are_not_answered(code):
    reading, row = READINGS[code], BASES.get(code) or PURPOSES[code]

    assert reading["not"] or reading["covers"] == "*"
    assert all(reading["not"].values())
    assert not answered(row) & rows_at(list(reading["not"]))


@pytest.mark.parametrize("code", READINGS)
def test_a_reading_stands_beside_its_words(code):
    reading, row = READINGS[code], BASES.get(code) or PURPOSES[code]

    assert reading["citation"] and reading["words"]
    if row["quote_zh"] and row["standing"] in IN_USE:
        # What was read is in what the screen quotes, or the screen quotes less than was read.
        assert reading["words"] in row["quote_zh"] or row["quote_zh"] in reading["words"] or _share(reading, row), code


def _share(reading: dict, row: dict) -> bool:
    """The reading may quote the limb that decides, the screen another one of the same sentence."""
    return any(part and part in row["quote_zh"] for part in reading["words"].replace("、", "，").split("，"))


def test_what_every_open_text_covers_is_narrowed_by_something_else():
    """A text that names no kind of act must name a window, a count, a kind, a decision, a case, or detention."""
    for code, reading in READINGS.items():
        if reading["covers"] != "*":
            continue
        if code in PURPOSES:
            row = PURPOSES[code]
            narrowed = row["window_months"] or row["same_kind"] or row["names_decision"]
            # "For the first time" is about a whole life, of somebody of 16 or 17; and a case has a time of its own.
            assert narrowed or row["age_bands"] or row["case_bound"], code
        else:
            row = BASES[code]
            assert row["needs_case_purpose"] or row["record_filter"] != "ANY", code


def test_every_reading_of_a_purpose_says_of_which_acts_and_ages_the_text_is():
    for code, row in PURPOSES.items():
        said = READINGS[code].get("acts", ""), READINGS[code].get("ages", "")
        assert bool(said[0]) == bool(row["acts_from"] or row["acts_until"]), code
        assert bool(said[1]) == bool(row["age_bands"]), code


def test_an_arguable_tag_is_used_by_no_answer():
    for offence in OFFENCES.values():
        assert not set(offence["tags"]) & set(offence["debatable_tags"]), offence["code"]


def test_the_remark_about_minors_says_what_is_answered_through_and_the_like():
    for code in ("UMPL-62", "UMPL-62-ANNUAL"):
        assert "048-p1" in READINGS[code]["covers"]
        assert "第四十八条" in BASES[code]["remark_zh"] and "Art. 48" in BASES[code]["remark_en"]


def test_a_basis_in_use_does_not_say_that_it_may_be_none():
    for code in ("TRANSIT-31", "UAV-16", "CSL-66", "CIVIL-1098"):
        assert BASES[code]["standing"] == Standing.ENABLED
        assert "used as a national provision" in BASES[code]["remark_en"]
        assert "作为“根据国家规定进行查询”的依据使用" in BASES[code]["remark_zh"]
