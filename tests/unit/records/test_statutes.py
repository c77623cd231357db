"""Citations and penalties of all 340 offences against the words of the two laws, read from the Chinese and not from ours."""

from __future__ import annotations

from itertools import product

import pytest

from records import catalogue
from records.models import Offence
from records.penalties import Findings, Penalty, check, from_data
from tests import statutes

ROWS = {row["code"]: row for row in catalogue.offences()}
OFFENCES = {code: Offence(**row) for code, row in ROWS.items()}
# Where one paragraph holds the penalties of two offences, the part that belongs to this one.
PARTS = {
    "PSAPL2025-089-p1-i1": ("饲养动物", "放任"),  # the fine after "警告后不改正的"
    "PSAPL2025-089-p1-i2": ("放任", ""),
    "PSAPL2005-089-p1-i1": ("饲养动物", "放任"),
    "PSAPL2005-089-p1-i2": ("放任", ""),
    "PSAPL2005-052-p2": ("猥亵他人的", "猥亵智力残疾人"),  # nudity is not in the second half
}
# Punished as another paragraph says; and the one whose penalty stands nowhere in figures.
AS = {
    "PSAPL2025-056-p2": "第五十六条第一款",
    "PSAPL2025-081-p2": "第八十一条第一款",
    "PSAPL2025-084-p2": "第八十四条第一款",
    "PSAPL2005-081-p2": "第六十九条第一款",
}
ELSEWHERE = {"PSAPL2025-089-p4", "PSAPL2005-089-p4", "PSAPL2025-060-p1"}


def place_of(code: str) -> str:
    """Return the citation without the name of the law."""
    return ROWS[code]["citation_zh"].split("》")[1].split("）")[-1]


def text_of(code: str) -> str:
    row = ROWS[code]
    text = "".join(statutes.words(row["law"], AS.get(code, place_of(code))))
    if code in PARTS:
        begin, end = PARTS[code]
        text = text[text.index(begin) : text.index(end) if end else None]
        if begin == "饲养动物":
            # The fine that follows is for both: not corrected after a warning, or letting the animal frighten.
            text += "".join(statutes.words(row["law"], place_of(code))).partition("放任")[2]
    return text


def ours(code: str) -> set[tuple]:
    """Return the choices of our bands in the form of `statutes.penalties`."""
    return {
        (
            choice.warning,
            choice.detention and (choice.detention.least, choice.detention.most),
            choice.fine and (choice.fine.least, choice.fine.most),
            choice.fine_optional,
        )
        for band in from_data(OFFENCES[code].bands)
        for choice in band.choices
        if not choice.gains
    }


def test_the_reader_of_the_laws_reads_what_stands_there():
    text = "处警告或者五百元以下罚款；情节较重的，处五日以上十日以下拘留，可以并处一千元以下罚款："
    assert statutes.penalties(text) == {
        (True, None, None, False),
        (False, None, (1, 500), False),
        (False, (5, 10), (1, 1000), True),
    }
    assert [statutes.number(text) for text in ("五", "十", "十五", "一千", "三千", "一百二十八")] == [
        5,
        10,
        15,
        1000,
        3000,
        128,
    ]
    assert sorted(statutes.articles("PSAPL-2025"))[5:8] == [26, 27, 28]
    assert set(range(26, 90)) < set(statutes.articles("PSAPL-2025"))
    assert set(range(23, 76)) < set(statutes.articles("PSAPL-2005"))


@pytest.mark.parametrize("code", ROWS)
def test_every_citation_leads_to_words_of_the_law(code):
    row = ROWS[code]
    [*found] = statutes.words(row["law"], place_of(code))

    assert all(found), code


@pytest.mark.parametrize("code", sorted(set(ROWS) - ELSEWHERE))
def test_the_bands_are_those_of_the_words(code):
    text = text_of(code)

    assert ours(code) == statutes.penalties(text), text
    multiples = {
        (choice.gains.least, choice.gains.most)
        for band in from_data(OFFENCES[code].bands)
        for choice in band.choices
        if choice.gains
    }
    assert multiples == statutes.gains(text)


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
def test_what_stands_in_another_article_has_no_figures_here(code):
    assert statutes.penalties("".join(statutes.words(ROWS[code]["law"], place_of(code)))) == set()
    assert ours(code) == set()
    assert all(band.refers_to for band in from_data(OFFENCES[code].bands))


def borders(ranges: set) -> set[int]:
    """Return nothing, and each limit with its neighbours on both sides."""
    return {0} | {value for least, most in ranges for value in (least - 1, least, most, most + 1) if value >= 0}


@pytest.mark.parametrize("code", sorted(set(ROWS) - ELSEWHERE))
def test_every_penalty_at_its_borders_is_judged_as_the_words_judge_it(code):
    """Every warning, detention and fine at, just below and just above each limit of the article, and their combinations."""
    provided = statutes.penalties(text_of(code))
    days = borders({detention for _w, detention, _f, _o in provided if detention})
    fines = borders({fine for _w, _d, fine, _o in provided if fine})

    for warning, detention, fine in product((False, True), days, fines):
        if not (warning or detention or fine):
            continue
        penalty = Penalty(warning=warning, detention_days=detention, fine_yuan=fine)
        expected = any(fits(choice, warning, detention, fine) for choice in provided)
        assert (check(penalty, OFFENCES[code]) == Findings()) == expected, penalty


def fits(choice: tuple, warning: bool, detention: int, fine: int) -> bool:
    may_warn, days, yuan, fine_may_be_left_out = choice
    return (
        warning == may_warn
        and (days[0] <= detention <= days[1] if days else detention == 0)
        and (yuan[0] <= fine <= yuan[1] if yuan and fine else fine == 0 and (not yuan or fine_may_be_left_out))
    )


@pytest.mark.parametrize("code", sorted(set(ROWS) - ELSEWHERE))
def test_nothing_over_the_highest_figure_of_the_words_passes_with_a_reason(code):
    text, offence = text_of(code), OFFENCES[code]
    provided = statutes.penalties(text)
    days = max((detention[1] for _w, detention, _f, _o in provided if detention), default=0)
    yuan = max((fine[1] for _w, _d, fine, _o in provided if fine), default=0)

    assert check(Penalty(detention_days=days + 1), offence).errors
    if not statutes.gains(text):
        assert check(Penalty(fine_yuan=yuan + 1), offence).errors
    if not any(warning for warning, _d, _f, _o in provided):
        assert check(Penalty(warning=True), offence).errors
