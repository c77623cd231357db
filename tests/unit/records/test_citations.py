"""Whatever article a screen names is in the list that a reader can check (docs/law)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from access import catalogue as law_catalogue
from access.catalogue import read
from records import catalogue
from tests import statutes

ROOT = Path(__file__).resolve().parents[3]
LIST = (statutes.FOLDER / "citations.md").read_text(encoding="utf-8")
ENTRIES = [line.strip("| ").split(" | ") for line in LIST.splitlines() if line.startswith("| ")]
FOLDER = Path(law_catalogue.__file__).parent
ROWS = read(FOLDER / "legal_bases.json") + read(FOLDER / "case_purposes.json")
RULES = read(Path(catalogue.__file__).parent / "sealing_rules.json")
# Articles of other laws that a sentence names, and where the list has them.
OTHER_LAWS = {
    11: "《行政复议法》第十一条第十五项",
    37: "《行政处罚法》第三十七条",
    71: "《个人信息保护法》第七十一条",
    59: "《预防未成年人犯罪法》第五十九条第二款",
    253: "《刑法》第二百五十三条之一",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_every_citation_of_a_basis_or_purpose_is_in_the_list_with_its_words(row):
    [entry] = [entry for entry in ENTRIES if entry[0] == row["code"]]

    assert entry[1] == row["citation_zh"]
    assert row["quote_zh"] in entry[2] and entry[2]
    assert ("not verified" in entry[3]) == ("not verified" in row["standing_reason_en"])


@pytest.mark.parametrize("row", RULES, ids=lambda row: row["code"])
def test_every_citation_of_a_sealing_rule_is_in_the_list(row):
    [entry] = [entry for entry in ENTRIES if entry[0] == row["code"]]

    assert row["citation_zh"].startswith(entry[1])


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "《治安管理处罚法》第" in row["citation_zh"]], ids=lambda row: row["code"]
)
def test_what_is_quoted_from_the_law_itself_stands_in_it(row):
    cited = re.findall(r"《治安管理处罚法》(第[^；、《]+)", row["citation_zh"])
    text = "".join(paragraph for place in cited for paragraph in statutes.words("PSAPL-2025", place))

    assert all(part in text for part in row["quote_zh"].split("…"))


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if len(entry) == 3 and entry[1].startswith("《治安管理处罚法》")], ids=str
)
def test_the_words_of_the_list_stand_in_the_law(entry):
    _where, citation, words = entry
    law = "PSAPL-2005" if "修订前" in citation else "PSAPL-2025"
    place = citation.split("》")[1].split("）")[-1]
    if words.startswith("see "):
        return

    text = "".join(statutes.words(law, place))

    assert all(part in text for part in words.split("…")), citation


def named_in_sentences() -> set[tuple[str, int]]:
    """Return the articles that English sentences of code and templates name."""
    found = set()
    for folder in ("access", "records", "config", "audit", "templates"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix not in (".py", ".html") or "migrations" in path.parts:
                continue
            for number in re.findall(r"(?:Article|Art\.) (\d+)", path.read_text(encoding="utf-8")):
                found.add((path.relative_to(ROOT).as_posix(), int(number)))
    return found


def test_every_article_that_a_sentence_names_can_be_read():
    known = set(statutes.articles("PSAPL-2025")) | set(statutes.articles("PSAPL-2005")) | set(OTHER_LAWS)

    assert {(path, number) for path, number in named_in_sentences() if number not in known} == set()
    assert all(citation in LIST for citation in OTHER_LAWS.values())


def test_the_remedies_of_a_refusal_are_in_the_list_with_their_words():
    source = (ROOT / "locale/zh_Hans/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    [remedy] = re.findall(r'msgstr "(你单位对本决定不服的.+?)"', source)
    cited = [
        law + place for law, places in re.findall(r"（(《[^》]+》)([^）]+)）", remedy) for place in places.split("、")
    ]
    listed = {entry[1]: entry[2] for entry in ENTRIES if entry[0] == "refusal: remedy"}

    assert len(cited) == 4 and set(cited) == set(listed)
    assert all(listed.values())


def test_the_quotations_of_the_undertaking_stand_in_the_law():
    quoted = [
        (place, words)
        for row in read(FOLDER / "undertaking_texts.json")
        for place, space, words in (line.partition("\u3000") for line in row["quotations_zh"].splitlines())
        if space and place.startswith("《治安管理处罚法》")
    ]
    assert len(quoted) == 7
    for place, words in quoted:
        text = "".join(statutes.words("PSAPL-2025", place.removeprefix("《治安管理处罚法》")))
        for part in words.split("……"):
            assert part in text, part
