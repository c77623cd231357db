from datetime import date

import pytest
from django.utils.translation import override

from access import identifiers, vault
from access.identifiers import AgeBand, DocumentType, IdentifierError, Sex

TODAY = date(2026, 3, 1)
GOOD = "11010519491231002X"


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.VAULT_KEYRING = tmp_path / "keyring.json"
    settings.VAULT_SUITE = "aes"
    vault.reset()
    vault.create_keyring(settings.VAULT_KEYRING)
    yield
    vault.reset()


def resident(text, today=TODAY):
    return identifiers.parse_id_number(text, today, DocumentType.RESIDENT_ID)


def refusal(function, *args):
    with pytest.raises(IdentifierError) as caught:
        function(*args)
    message = str(caught.value)
    assert message.endswith(".") and ". " not in message, "one sentence each"
    return caught.value.code


def with_check_digit(first_17):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first_17 + "10X98765432"[sum(int(d) * w for d, w in zip(first_17, weights, strict=True)) % 11]


# Identity numbers


def test_the_example_of_gb_11643_is_read():
    found = resident(GOOD)

    assert found.number == GOOD == with_check_digit(GOOD[:17])
    assert found.birth_date == date(1949, 12, 31)
    assert found.sex is Sex.FEMALE
    assert (found.region_code, found.region_name) == ("110105", "北京市朝阳区")


@pytest.mark.parametrize(
    "text",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "110105-19491231-002X",
        "110105–19491231—002X",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105\u300019491231\u200b002X\ufeff",
    ],
)
def test_every_way_of_typing_a_number_gives_one_form(text):
    assert resident(text).number == GOOD


def test_every_wrong_check_digit_is_named_right():
    for digit in "0123456789":
        with pytest.raises(IdentifierError, match="The 18th digit should be X; check the number.") as caught:
            resident(GOOD[:17] + digit)
        assert caught.value.code == "check_digit"


def test_every_single_wrong_digit_is_noticed():
    for position in range(17):
        for digit in set("0123456789") - {GOOD[position]}:
            with pytest.raises(IdentifierError):
                resident(GOOD[:position] + digit + GOOD[position + 1 :])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        (" - ", "required"),
        (GOOD[:17], "length"),
        (GOOD + "1", "length"),
        ("110105491231002", "length"),
        ("1" * 100_000, "length"),
        ("1101051949123100XX", "characters"),
        ("11010519491231O02X", "characters"),
        ("11010519491231002Y", "characters"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢٣", "characters"),
        ("110105194912310\x0002", "characters"),
        (with_check_digit("91110519491231002"), "document_type"),
        # No card of anybody begins like this.
        (with_check_digit("99010519491231002"), "unknown_region"),
        (with_check_digit("81000019491231002"), "document_type"),
        (with_check_digit("00010519491231002"), "unknown_region"),
        (with_check_digit("11999919491231002"), "unknown_region"),
        (with_check_digit("11010519490229002"), "birth_date"),
        (with_check_digit("11010519491331002"), "birth_date"),
        (with_check_digit("11010500000101002"), "birth_date"),
        (with_check_digit("11010517991231002"), "birth_date"),
        (with_check_digit("11010520260302002"), "future"),
    ],
)
def test_each_thing_that_is_wrong_has_a_code_of_its_own(text, code):
    assert refusal(resident, text) == code


def test_somebody_born_today_is_accepted():
    assert resident(with_check_digit("11010520260301002")).birth_date == TODAY


def test_no_refusal_repeats_the_number():
    for text in ("110105194912310021", "119999194912310021", GOOD[:17], "11010519491331002X"):
        with pytest.raises(IdentifierError) as caught:
            resident(text)
        assert text not in str(caught.value) and text not in repr(caught.value)
    assert GOOD not in repr(resident(GOOD))


@pytest.mark.parametrize(
    ("first_17", "name"),
    [
        ("31011519800101001", "上海市浦东新区"),  # the district dates from 1992: its older people are no mistake
        ("12011019800101001", "天津市东郊区"),
        ("12011020000101001", "天津市东丽区"),
        ("11010319800101001", "北京市崇文区"),  # dissolved in 2010, in people's numbers for life
        ("33010619800101001", "浙江省杭州市西湖区"),
        ("46900520000101001", "海南省文昌市"),
        ("50010319800101001", "重庆市渝中区"),
    ],
)
def test_regions_are_named_as_they_were_in_the_year_of_birth(first_17, name):
    assert resident(with_check_digit(first_17)).region_name == name


@pytest.mark.parametrize(
    ("code", "name"),
    [("310000", "上海市"), ("310100", "上海市"), ("330100", "浙江省杭州市"), ("830000", "台湾地区")],
)
def test_region_name_knows_provinces_and_cities(code, name):
    assert identifiers.region_name(code) == name


@pytest.mark.parametrize("code", ["", "31", "3101", "31011", "3101155", "ABCDEF", "３１０１１５", "000000", "310199"])
def test_region_name_of_what_is_no_region_is_none(code):
    assert identifiers.region_name(code) is None


@pytest.mark.parametrize(("region", "year"), [("810000", "1970"), ("820000", "1990"), ("830000", "2001")])
def test_residence_permits_have_the_structure_of_the_card(region, year):
    number = with_check_digit(f"{region}{year}0101001")

    found = identifiers.parse_id_number(number, TODAY, DocumentType.HK_MO_TW_PERMIT)

    assert found.birth_date == date(int(year), 1, 1)
    assert found.region_code == region
    assert found.sex is Sex.MALE
    assert refusal(identifiers.parse_id_number, GOOD, TODAY, DocumentType.HK_MO_TW_PERMIT) == "document_type"


def test_foreign_permanent_residents_have_two_kinds_of_number():
    new = identifiers.parse_id_number(with_check_digit("93184019850615002"), TODAY, DocumentType.FOREIGN_PR)
    old = identifiers.parse_id_number("usa 110085061501", TODAY, DocumentType.FOREIGN_PR)

    assert (new.birth_date, new.sex, new.region_name) == (date(1985, 6, 15), Sex.FEMALE, "上海市")
    assert old == identifiers.IdNumber("USA110085061501")
    assert refusal(identifiers.parse_id_number, GOOD, TODAY, DocumentType.FOREIGN_PR) == "document_type"
    assert refusal(identifiers.parse_id_number, "USA1100", TODAY, DocumentType.FOREIGN_PR) == "length"


def test_passports_say_nothing_but_their_number():
    found = identifiers.parse_id_number(" e1234-5678 ", TODAY, DocumentType.PASSPORT)

    assert found == identifiers.IdNumber("E12345678")
    assert found.birth_date is None and found.sex is None
    for text in ("E123", "E" * 21, "E1234_678", "护照12345"):
        assert refusal(identifiers.parse_id_number, text, TODAY, DocumentType.PASSPORT) == "passport"


def test_a_message_follows_the_readers_language():
    with pytest.raises(IdentifierError) as caught:
        resident("")
    with override("en"):
        assert str(caught.value) == "Enter the number of the identity document."


# Names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张 三", "张三"),
        ("张\u3000三", "张三"),
        ("张\u200b三", "张三"),
        ("迪丽热巴·迪力木拉提", "迪丽热巴•迪力木拉提"),
        ("迪丽热巴・迪力木拉提", "迪丽热巴.迪力木拉提"),
        ("迪丽热巴．迪力木拉提", "迪丽热巴 · 迪力木拉提"),
        ("JOHN SMITH", "John  Smith"),
        ("Ｊｏｈｎ Smith", "john smith"),
        ("Straße", "STRASSE"),
        ("José", "Jose\u0301"),
        ("葛\U000e0100西", "葛西"),
    ],
)
def test_spellings_of_one_name_are_one(one, other):
    assert identifiers.normalise_name(one) == identifiers.normalise_name(other)


def test_different_names_stay_different():
    assert identifiers.normalise_name("张三") != identifiers.normalise_name("张叁")
    assert identifiers.normalise_name("迪丽热巴·迪力") == "迪丽热巴·迪力"


def test_normalising_a_name_twice_changes_nothing():
    for name in ("迪丽热巴．迪力", "Straße ŉ İ", "ﬁ Å"):
        once = identifiers.normalise_name(name)
        assert identifiers.normalise_name(once) == once


def test_check_name_keeps_a_name_as_it_is_shown():
    assert identifiers.check_name("  张三 ") == "张三"
    assert identifiers.check_name("John   Smith") == "John Smith"
    assert identifiers.check_name("\U00030edd某") == "\U00030edd某"
    assert identifiers.check_name("\ue000某") == "\ue000某"
    assert len(identifiers.check_name("某" * 50)) == 50


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        ("某" * 51, "too_long"),
        ("12345", "letters"),
        ("·", "letters"),
        ("宋知远 341402198803120517", "number"),
        ("宋知远３４１４０", "number"),
        ("张\n三", "line_break"),
        ("张\t三", "line_break"),
        ("张\0三", "nul"),
        ("张\x07三", "control"),
        ("张\u202e三", "direction"),
    ],
)
def test_check_name_refuses(text, code):
    assert refusal(identifiers.check_name, text) == code


# Text


def test_plain_text_keeps_lines_tabs_and_every_script():
    text = "一、事实\n\t二、证据 👩‍👧 ئۇيغۇر"

    assert identifiers.check_plain_text(text, 100) == text
    assert identifiers.check_plain_text("  a\r\nb\rc\u2028d  ", 100) == "a\nb\nc\nd"
    assert identifiers.check_plain_text("", 10) == ""


@pytest.mark.parametrize("char", [chr(c) for c in (*range(1, 9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x80, 0x9F)])
def test_plain_text_refuses_control_characters(char):
    assert refusal(identifiers.check_plain_text, f"a{char}b", 10) == "control"


def test_plain_text_refuses_half_characters_and_nul():
    assert refusal(identifiers.check_plain_text, "a\ud800b", 10) == "control"
    assert refusal(identifiers.check_plain_text, "a\0b", 10) == "nul"


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
def test_plain_text_refuses_what_turns_the_direction(code):
    assert refusal(identifiers.check_plain_text, f"a{chr(code)}b", 10) == "direction"


def test_plain_text_has_a_limit():
    assert identifiers.check_plain_text("某" * 10, 10) == "某" * 10
    assert refusal(identifiers.check_plain_text, "某" * 11, 10) == "too_long"


# Codes


def test_organ_codes():
    for code in ("530102470000", "310115000000", "110000000000", "010000000000"):
        assert identifiers.check_organ_code(f" {code} ") == code
    assert identifiers.check_organ_code("530102-470000") == "530102470000"
    for text in ("", "53010247000", "5301024700000", "53010247000A"):
        assert refusal(identifiers.check_organ_code, text) == "organ_code"
    assert refusal(identifiers.check_organ_code, "990102470000") == "unknown_region"


def test_unified_social_credit_codes():
    assert identifiers.check_uscc("9111 0000 6000 3734 1l") == "91110000600037341L"
    assert refusal(identifiers.check_uscc, "9111000060003734") == "length"
    assert refusal(identifiers.check_uscc, "9111000060003734IL") == "characters"
    assert refusal(identifiers.check_uscc, "911100006000373412") == "check_digit"
    assert refusal(identifiers.check_uscc, "91110000600037431L") == "check_digit"


def test_case_numbers():
    good = "A5301024700002026010001"
    assert len(good) == 23
    assert identifiers.check_case_number(" a530102470000 202601 0001") == good
    for text in ("", good[1:], good + "1", good[:-1], "R" + good[1:], good[:17] + "13" + good[19:], "A" * 23):
        assert refusal(identifiers.check_case_number, text) == "case_number"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("（2024）京0105民初12345号", "（2024）京0105民初12345号"),
        ("(2024)沪0115刑初123号之一", "（2024）沪0115刑初123号之一"),
        ("〔2023〕最高法民终12号", "（2023）最高法民终12号"),
        ("京海检刑诉[2024]123号", "京海检刑诉〔2024〕123号"),
        ("沪浦检（未）刑诉〔2024〕第7号", "沪浦检（未）刑诉〔2024〕第7号"),
        (" 京监调 【２０２４】 12 号 ", "京监调〔2024〕12号"),
    ],
)
def test_case_numbers_of_courts_and_procuratorates(text, form):
    assert identifiers.check_court_case_number(text) == form
    assert identifiers.check_court_case_number(form) == form


@pytest.mark.parametrize(
    "text",
    ["", "2024京0105民初1号", "（2024）京0105民初1", "（1824）京1号", "（2024）", "京" * 10_000, "（2024）abc1号"],
)
def test_other_case_numbers_are_refused(text):
    assert refusal(identifiers.check_court_case_number, text) == "court_case_number"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("京公海行罚决字〔2023〕50316号", "京公海行罚决字〔2023〕50316号"),
        ("浦公（禁毒）行罚决字[2019]51476号", "浦公（禁毒）行罚决字〔2019〕51476号"),
        ("浦公(治)行罚决字（2024）001号", "浦公（治）行罚决字〔2024〕001号"),
        ("沪公 行罚决字【2026】第 1 号", "沪公行罚决字〔2026〕1号"),
        ("沪公不罚决字〔2026〕1号", "沪公不罚决字〔2026〕1号"),
    ],
)
def test_decision_numbers_take_one_form(text, form):
    assert identifiers.check_decision_number(text) == form
    assert identifiers.check_decision_number(form) == form


@pytest.mark.parametrize(
    "text",
    [
        "",
        "京公海行罚决字2023 50316号",
        "京公海行罚决字〔23〕50316号",
        "京公海行罚决字〔2023〕号",
        "京海〔2023〕1号",
        "公" * 9999,
    ],
)
def test_other_decision_numbers_are_refused(text):
    assert refusal(identifiers.check_decision_number, text) == "decision_number"


def test_badge_numbers():
    assert identifiers.check_badge_number(" 012345 ") == "012345"
    assert identifiers.check_badge_number("0123456") == "0123456"
    for text in ("", "12345", "12345678", "A12345"):
        assert refusal(identifiers.check_badge_number, text) == "badge_number"


# Indexes


def test_a_person_has_one_working_document_key_however_typed():
    key = identifiers.document_key(DocumentType.RESIDENT_ID, GOOD)

    assert len(key) == 32
    assert identifiers.document_key("resident_id", "110105 19491231 002x") == key
    assert identifiers.document_key(DocumentType.PASSPORT, GOOD) != key
    assert identifiers.document_key(DocumentType.RESIDENT_ID, GOOD[:-1] + "1") != key


def test_what_the_register_is_searched_by_is_one_text_however_typed():
    text = identifiers.identity_text(DocumentType.RESIDENT_ID, GOOD, "张三")

    assert identifiers.identity_text("resident_id", GOOD.lower(), " 张 三") == text
    assert identifiers.identity_text(DocumentType.RESIDENT_ID, GOOD, "李四") != text
    assert identifiers.subject_text("resident_id", "110105 19491231 002x") == identifiers.subject_text(
        DocumentType.RESIDENT_ID, GOOD
    )
    assert identifiers.subject_text(DocumentType.PASSPORT, GOOD) != identifiers.subject_text("resident_id", GOOD)


def test_name_case_number_and_decision_number_have_working_keys_of_their_own():
    assert identifiers.name_key(" 张 三") == identifiers.name_key("张三") != identifiers.name_key("李四")
    assert identifiers.case_number_key("a310101") == identifiers.case_number_key("A310101")
    same = {
        make("310101") for make in (identifiers.name_key, identifiers.case_number_key, identifiers.decision_number_key)
    }
    assert len(same | {identifiers.document_key("passport", "310101")}) == 4


# Ages


@pytest.mark.parametrize(
    ("birth_date", "on", "band"),
    [
        (date(2012, 3, 1), date(2012, 3, 1), AgeBand.UNDER_14),
        (date(2012, 3, 1), date(2026, 3, 1), AgeBand.UNDER_14),  # the birthday itself
        (date(2012, 3, 1), date(2026, 3, 2), AgeBand.FROM_14),
        (date(2010, 3, 1), date(2026, 3, 1), AgeBand.FROM_14),
        (date(2010, 3, 1), date(2026, 3, 2), AgeBand.FROM_16),
        (date(2008, 3, 1), date(2026, 3, 1), AgeBand.FROM_16),
        (date(2008, 3, 1), date(2026, 3, 2), AgeBand.ADULT),
        (date(1956, 3, 1), date(2026, 3, 1), AgeBand.ADULT),
        (date(1956, 3, 1), date(2026, 3, 2), AgeBand.FROM_70),
        (date(2012, 2, 29), date(2026, 2, 28), AgeBand.UNDER_14),
        (date(2012, 2, 29), date(2026, 3, 1), AgeBand.FROM_14),
        (date(2011, 12, 31), date(2025, 12, 31), AgeBand.UNDER_14),
        (date(2011, 12, 31), date(2026, 1, 1), AgeBand.FROM_14),
    ],
)
def test_an_age_is_reached_on_the_day_after_the_birthday(birth_date, on, band):
    assert identifiers.age_band(birth_date, on) is band


def test_nobody_acts_before_being_born():
    assert refusal(identifiers.age_band, TODAY, date(2026, 2, 28)) == "before_birth"


# Masks


def test_masks():
    assert identifiers.mask_number("310115199001010071") == "310***********0071"
    assert identifiers.mask_number("E12345678") == "E******78"
    assert identifiers.mask_number("123") == "***"
    assert identifiers.mask_number("") == ""
