from pathlib import Path

import pytest
from django.utils import translation

from access.catalogue import read as read_rows
from records import catalogue, penalties
from records.models import Offence
from records.penalties import Penalty, Range, check, describe, from_data, read, to_data
from records.penalties.words import CONDITIONS, LABELS, ORDERS, REFERENCES

ROWS = read_rows(Path(catalogue.__file__).parent / "offences.json")
OFFENCES = {row["code"]: Offence(**row) for row in catalogue.offences()}
TIERS = sorted({row["penalty_tiers"] for row in ROWS})

DISORDER = OFFENCES["PSAPL2025-026-p1-i1"]  # W / F<=500 | D5-10 +? F<=1000
ASSAULT = OFFENCES["PSAPL2025-051-p1-i1"]  # D5-10 + F500-1000 | D<=5 / F<=1000 | D10-15 + F1000-2000
THEFT = OFFENCES["PSAPL2025-058-p1-i1"]  # D5-10 / F<=2000 | D10-15 +? F<=3000
EXAM = OFFENCES["PSAPL2025-027-p1-i1"]  # multiples of the illegal gains
BULLYING = OFFENCES["PSAPL2025-060-p1"]  # sends to the article that the act violates
DANGEROUS_GOODS = OFFENCES["PSAPL2025-036-p1"]  # detention only
GUARANTOR = OFFENCES["PSAPL2025-128-p2"]  # F<=3000
OLD_THEFT = OFFENCES["PSAPL2005-058-p1-i1"]  # D5-10 +? F<=500 | D10-15 +? F<=1000
ANIMALS_FRIGHTEN = OFFENCES["PSAPL2025-089-p1-i2"]  # F<=1000: the warning belongs to the other half of 89(1)


def codes(findings):
    return [finding.code for finding in findings]


@pytest.mark.parametrize("tiers", TIERS)
def test_every_tier_string_of_the_catalogue_is_read_in_full(tiers):
    bands = read(tiers)

    assert len(bands) == tiers.count(" | ") + 1
    assert all(band.choices or band.refers_to for band in bands)
    assert all(band.label in {"", *LABELS} and band.order in {"", *ORDERS} for band in bands)
    assert all(band.refers_to in {"", *REFERENCES} for band in bands)
    assert all(choice.condition in {"", *CONDITIONS} for band in bands for choice in band.choices)


@pytest.mark.parametrize("tiers", TIERS)
def test_bands_are_kept_as_data_and_come_back_as_they_were(tiers):
    assert from_data(to_data(read(tiers))) == read(tiers)


@pytest.mark.parametrize("code", OFFENCES)
def test_the_maxima_of_an_offence_are_those_of_its_bands(code):
    offence = OFFENCES[code]
    choices = [choice for band in from_data(offence.bands) for choice in band.choices]
    if not choices:
        return  # the figures stand in another article

    assert offence.max_detention_days == max(
        (choice.detention.most for choice in choices if choice.detention), default=0
    )
    assert offence.max_fine_yuan == max((choice.fine.most for choice in choices if choice.fine), default=0)
    assert offence.warning_possible == any(choice.warning for choice in choices)


@pytest.mark.parametrize(
    "tiers",
    [
        "D5-10 +! F<=100",
        "X5",
        "BASE: D5-10 + D1-2",
        "W / later",
        "BASE: D5-10 (+? exile)",
        "SEVERE: D5-10",
        "(only if it rains) D5-10",
    ],
)
def test_a_tier_that_cannot_be_read_is_never_guessed(tiers):
    with pytest.raises(ValueError, match="penalty tier"):
        read(tiers)


def test_a_band_knows_its_choices_and_what_may_be_added():
    base, heavier = from_data(DISORDER.bands)

    assert [choice.warning for choice in base.choices] == [True, False]
    assert base.choices[1].fine == Range(1, 500)
    assert heavier.choices[0].detention == Range(5, 10)
    assert heavier.choices[0].fine_optional


@pytest.mark.parametrize(
    ("offence", "penalty"),
    [
        (DISORDER, Penalty(warning=True)),
        (DISORDER, Penalty(fine_yuan=500)),
        (DISORDER, Penalty(detention_days=5)),
        (DISORDER, Penalty(detention_days=10, fine_yuan=1000)),
        (ASSAULT, Penalty(detention_days=7, fine_yuan=500)),
        (ASSAULT, Penalty(detention_days=3)),
        (ASSAULT, Penalty(detention_days=15, fine_yuan=2000)),
        (THEFT, Penalty(fine_yuan=2000)),
        (THEFT, Penalty(detention_days=12)),
        (EXAM, Penalty(fine_yuan=1000)),
        (EXAM, Penalty(detention_days=15)),
        (GUARANTOR, Penalty(fine_yuan=1)),
        (OFFENCES["PSAPL2025-046-p1"], Penalty(detention_days=6)),
        (OFFENCES["PSAPL2025-065-p1-i3"], Penalty(licence_revoked=True)),
        (THEFT, Penalty(detention_days=12, deportation=True)),
    ],
)
def test_a_penalty_inside_a_band_needs_nothing(offence, penalty):
    assert check(penalty, offence) == penalties.Findings()


@pytest.mark.parametrize(
    ("offence", "penalty", "expected"),
    [
        (DISORDER, Penalty(), "NOTHING_CHOSEN"),
        (DISORDER, Penalty(exit_order=True), "ONLY_ADDED"),
        (DISORDER, Penalty(warning=True, exit_order=True, deportation=True), "BOTH_EXITS"),
        (DISORDER, Penalty(fine_yuan=-1), "NEGATIVE"),
        (DISORDER, Penalty(detention_days=-1), "NEGATIVE"),
        (DISORDER, Penalty(detention_days=11), "OVER_DETENTION"),
        (DISORDER, Penalty(fine_yuan=1001), "OVER_FINE"),
        (THEFT, Penalty(warning=True), "NO_WARNING"),
        (THEFT, Penalty(detention_days=16), "OVER_ONE_ACT"),
        (DANGEROUS_GOODS, Penalty(fine_yuan=1), "NO_FINE"),
        (GUARANTOR, Penalty(detention_days=1), "NO_DETENTION"),
        (OLD_THEFT, Penalty(detention_days=16), "OVER_ONE_ACT"),
        (OLD_THEFT, Penalty(detention_days=5, fine_yuan=1001), "OVER_FINE"),
        (ANIMALS_FRIGHTEN, Penalty(warning=True), "NO_WARNING"),
        (BULLYING, Penalty(detention_days=20), "OVER_ONE_ACT"),
    ],
)
def test_what_the_law_forbids_is_an_error_and_nothing_else(offence, penalty, expected):
    findings = check(penalty, offence)

    assert codes(findings.errors) == [expected]
    assert findings.departures == ()


@pytest.mark.parametrize(
    ("offence", "penalty", "expected"),
    [
        (DANGEROUS_GOODS, Penalty(detention_days=4), "BELOW_DETENTION"),
        (EXAM, Penalty(fine_yuan=999), "BELOW_FINE"),
        (EXAM, Penalty(fine_yuan=20_000), "ILLEGAL_GAINS"),
        (THEFT, Penalty(detention_days=7, fine_yuan=500), "NO_BAND"),
        (ASSAULT, Penalty(detention_days=3, fine_yuan=300), "NO_BAND"),
        (DISORDER, Penalty(fine_yuan=800), "NO_BAND"),
        (GUARANTOR, Penalty(fine_yuan=100, licence_revoked=True), "LICENCE"),
        (OFFENCES["PSAPL2025-082-p1-i2"], Penalty(detention_days=5, fine_yuan=500), "NO_BAND"),
        (OFFENCES["PSAPL2025-042-p1"], Penalty(warning=True, fine_yuan=100), "COMBINATION"),
        (BULLYING, Penalty(detention_days=5), "REFERS_ELSEWHERE"),
        (OFFENCES["PSAPL2025-089-p4"], Penalty(detention_days=5, fine_yuan=500), "REFERS_ELSEWHERE"),
        (OLD_THEFT, Penalty(fine_yuan=500), "COMBINATION"),
        (OLD_THEFT, Penalty(detention_days=4), "BELOW_DETENTION"),
        (OFFENCES["PSAPL2005-089-p4"], Penalty(detention_days=5, fine_yuan=500), "REFERS_ELSEWHERE"),
        (OFFENCES["PSAPL2012-062-p2"], Penalty(detention_days=5, fine_yuan=500), "COMBINATION"),
    ],
)
def test_what_fits_no_band_needs_a_reason(offence, penalty, expected):
    findings = check(penalty, offence)

    assert findings.errors == ()
    assert codes(findings.departures) == [expected]


def test_a_fine_of_more_than_the_fixed_figure_is_no_error_where_the_law_counts_in_illegal_gains():
    findings = check(Penalty(fine_yuan=4000), EXAM)

    assert findings.errors == ()
    assert "1 to 5 times the illegal gains" in english(findings.departures[0])


def test_a_message_names_the_limit_and_the_article():
    (error,) = check(Penalty(detention_days=11), DISORDER).errors

    assert error.field == "detention_days"
    assert english(error) == "The law allows at most 10 days of detention for this (PSAPL 2025, Art. 26(1)(1))."


def test_a_message_cites_in_the_language_it_is_shown_in():
    (error,) = check(Penalty(detention_days=11), DISORDER).errors

    with translation.override("zh-hans"):
        assert "《治安管理处罚法》第二十六条第一款第一项" in str(error)


def test_describe_says_each_band_in_both_languages():
    with translation.override("en"):
        assert describe(DISORDER) == [
            "Ordinary case: a warning, or a fine of up to 500 yuan.",
            "Heavier circumstances: detention of 5 to 10 days, possibly with a fine of up to 1,000 yuan.",
        ]
    with translation.override("zh-hans"):
        assert describe(DISORDER) == [
            "一般情形：警告，或者500元以下罚款。",
            "情节较重：5日以上10日以下拘留，可以并处1000元以下罚款。",
        ]


@pytest.mark.parametrize(
    ("code", "zh"),
    [
        (
            "PSAPL2025-027-p1-i1",
            "违法所得1倍以上5倍以下罚款，或者1000元以上3000元以下罚款（没有违法所得或者违法所得不足1000元）",
        ),
        ("PSAPL2025-044-p1", "并处3000元以上5000元以下罚款，可以同时责令六个月至一年以内不得举办大型群众性活动"),
        ("PSAPL2025-089-p1-i1", "警告后不改正：1000元以下罚款"),
        ("PSAPL2025-089-p4", "依照本法第五十一条的规定处罚"),
        ("PSAPL2025-060-p1", "给予治安管理处罚、采取相应矫治教育等措施"),
        ("PSAPL2005-052-p2", "5日以上10日以下拘留（仅限情节恶劣）"),
        ("PSAPL2005-088-p1", "警告后不改正：200元以上500元以下罚款"),
        ("PSAPL2005-089-p4", "依照本法第四十三条第一款的规定处罚"),
    ],
)
def test_describe_uses_the_words_of_the_law(code, zh):
    with translation.override("zh-hans"):
        assert zh in " ".join(describe(OFFENCES[code]))


@pytest.mark.parametrize(("language", "end"), [("en", "."), ("zh-hans", "。")])
def test_describe_leaves_no_offence_without_words(language, end):
    with translation.override(language):
        for offence in OFFENCES.values():
            for band in describe(offence):
                assert band.endswith(end)
                assert band[0].isupper() or language != "en"


def english(finding):
    with translation.override("en"):
        return str(finding)
