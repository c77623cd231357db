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
    "row",
    [row for row in ROWS if re.search("《治安管理处罚法》[第（]", row["citation_zh"])],
    ids=lambda row: row["code"],
)
def test_what_is_quoted_from_the_law_itself_stands_in_it(row):
    law = "PSAPL-2005" if "修订前" in row["citation_zh"] else "PSAPL-2025"
    cited = re.findall(r"《治安管理处罚法》(?:（[^）]+）)?(第[^；、《]+)", row["citation_zh"])
    text = "".join(paragraph for place in cited for paragraph in statutes.words(law, place))

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


# The limits of procedure ----------------------------------------------------------------------------------------------

LIMITS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (statutes.FOLDER / "limits.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| article", "| ---"))
]


def articles_of(cell: str) -> set[int]:
    """Return the articles of the law in force that a row of the limits is about."""
    if not re.match(r"PSAPL \d", cell):
        return set()
    numbers = [int(number) for number in re.findall(r"(?<![\d(])\d+(?=[ ,(]|$)", cell)]
    return set(range(numbers[0], numbers[1] + 1)) if " to " in cell else set(numbers)


def test_the_articles_of_a_limit_are_read_whatever_way_they_are_written():
    assert articles_of("PSAPL 9(4)") == {9}
    assert articles_of("PSAPL 126 to 130") == {126, 127, 128, 129, 130}
    assert articles_of("PSAPL 123, 124") == {123, 124}
    assert articles_of("PSAPL before 2026, 76") == articles_of("行政复议法 20") == set()


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row[0])
def test_a_limit_says_whether_its_words_can_be_read_here(row):
    article, says, _before, _does, quoted = row
    cited = articles_of(article)

    assert quoted == ("quoted" if cited and cited <= set(statutes.articles("PSAPL-2025")) else "not quoted")
    # Whatever is Chinese in a row that is quoted stands in the law word for word.
    if quoted == "quoted":
        text = "".join("".join(statutes.words("PSAPL-2025", f"第{chinese(number)}条")) for number in cited)
        for words in re.findall(r"[\u4e00-\u9fff]{4,}", says):
            assert words in text, words


def chinese(wanted: int) -> str:
    """Return the numeral of an article."""
    digits = "零一二三四五六七八九"
    hundreds, tens, ones = wanted // 100, wanted % 100 // 10, wanted % 10
    begin = f"{digits[hundreds]}百" if hundreds else ""
    middle = (f"{digits[tens]}十" if tens > 1 or hundreds else "十") if tens else ("零" if hundreds and ones else "")
    return begin + middle + (digits[ones] if ones else "")


def test_the_quotation_of_the_privacy_law_in_the_undertaking_is_that_of_the_list():
    """Findings A13 and A23: what a screen quotes is in the list, whole."""
    [row] = [row for row in read(FOLDER / "undertaking_texts.json") if row["code"] == "OTHERS"]
    listed = {entry[1]: entry[2] for entry in ENTRIES if entry[0] == "undertaking: others"}
    lines = (line.partition("\u3000") for line in row["quotations_zh"].splitlines())
    quoted = {place: words for place, _space, words in lines if place.startswith("《个人信息保护法》")}

    assert set(quoted) == {"《个人信息保护法》第十条", "《个人信息保护法》第七十一条"}
    for citation, words in quoted.items():
        assert words.replace("……", "") in listed[citation], citation


def test_a_kindergarten_is_told_of_the_office_of_the_county_and_nobody_of_a_nameless_law():
    [row] = [row for row in ROWS if row["code"] == "PRESCHOOL-44"]
    assert "向县级人民政府教育行政部门报告" in row["effect_zh"] and "举办者" not in row["title_zh"]
    source = (ROOT / "locale/zh_Hans/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    assert "法律第一百三十六条" not in source
    assert "《治安管理处罚法》第一百三十六条只允许两类查询" in source
