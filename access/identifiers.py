"""What people type: identity numbers, names, codes and text are brought into one form, or refused in one sentence."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError as StdnumError

from access import vault


class IdentifierError(Exception):
    """What was typed cannot be right; the message says what to do and never repeats what was typed."""

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class DocumentType(TextChoices):
    RESIDENT_ID = "resident_id", _("Resident identity card")
    HK_MO_TW_PERMIT = "hk_mo_tw_permit", _("Residence permit for Hong Kong, Macao and Taiwan residents")
    PASSPORT = "passport", _("Passport")
    FOREIGN_PR = "foreign_pr", _("Foreign permanent resident identity card")


# What only foreigners hold, as far as a document tells.
FOREIGN_DOCUMENTS = frozenset({DocumentType.PASSPORT, DocumentType.FOREIGN_PR})


class Sex(TextChoices):
    MALE = "male", _("Male")
    FEMALE = "female", _("Female")


class AgeBand(TextChoices):
    """The ages at which the law treats a person differently."""

    UNDER_14 = "under_14", _("Under 14")
    FROM_14 = "from_14", _("14 to 15")
    FROM_16 = "from_16", _("16 to 17")
    ADULT = "adult", _("18 to 69")
    FROM_70 = "from_70", _("70 and over")
    # Of a document that does not say when its holder was born: neither a minor nor an adult.
    UNKNOWN = "unknown", _("Not known")


MINORS = frozenset({AgeBand.UNDER_14, AgeBand.FROM_14, AgeBand.FROM_16})


@dataclass(frozen=True)
class IdNumber:
    """A number in its one form, with what it says; a document that does not say it leaves it empty."""

    number: str
    birth_date: date | None = None
    sex: Sex | None = None
    region_code: str = ""
    region_name: str = ""

    def __repr__(self) -> str:
        # Reprs end up in logs.
        return "<IdNumber>"


# Regions

# The ministry itself belongs to no region.
NATIONAL_REGION = "010000"
PERMIT_REGIONS = {"810000": "香港特别行政区", "820000": "澳门特别行政区", "830000": "台湾地区"}
# Rungs of the list that are no places of their own.
NAMELESS = ("市辖区", "县", "省直辖", "自治区直辖")
DATED = re.compile(r"\[(\d*)-(\d*)\](.+)")


def region_name(code: str, year: int | None = None) -> str | None:
    """The name of a six-digit region code, as it was in that year where it changed; None for an unknown code.

    A code counts as known in every year: people born in 1960 hold numbers of districts made in 1992, because a
    number names the place of its first registration, and nobody had one before 1984.
    """
    if code in PERMIT_REGIONS:
        return PERMIT_REGIONS[code]
    if not re.fullmatch(r"[0-9]{6}", code):
        return None
    province, county = _look_up(code)
    if not county:
        return None
    if code.endswith("0000"):
        return province
    names = [province]
    city = _look_up(code[:4] + "00")[1]
    if city and not code.endswith("00"):
        names.append(_name_in(city, year))
    names.append(_name_in(county, year))
    return "".join(name for name in dict.fromkeys(names) if not name.startswith(NAMELESS)) or None


def _look_up(code: str) -> tuple[str, str]:
    found: dict[str, str] = {}
    for _part, properties in _regions().info(code):
        found.update(properties)
    return found.get("province", ""), found.get("county", "")


@cache
def _regions() -> numdb.NumDB:
    return numdb.get("cn/loc")


def _name_in(dated: str, year: int | None) -> str:
    """Pick the name of that year from "[-1991]东郊区,[1992-]东丽区"; the latest where no year fits."""
    name = ""
    for entry in dated.split(","):
        match = DATED.fullmatch(entry)
        if match is None:
            return entry
        start, end, name = match.groups()
        if year is not None and (not start or int(start) <= year) and (not end or year <= int(end)):
            return name
    return name


# Identity documents

SEPARATORS = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff\-\u2010-\u2015\u2212\ufe58\ufe63]+")
EARLIEST_YEAR = 1850


def normalise_number(text: str) -> str:
    """Bring a number into its one form: ordinary characters, upper case, no spaces or hyphens."""
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def parse_id_number(text: str, today: date, document_type: str) -> IdNumber:
    """Read the number of an identity document, or say which one thing is wrong with it."""
    kind = DocumentType(document_type)
    number = normalise_number(text)
    if not number:
        raise IdentifierError("required", _("Enter the number of the identity document."))
    if kind is DocumentType.PASSPORT:
        if not re.fullmatch(r"[A-Z0-9]{5,20}", number):
            raise IdentifierError(
                "passport",
                _("A passport number has 5 to 20 letters and digits; enter it as printed in the passport."),
            )
        return IdNumber(number)
    if kind is DocumentType.FOREIGN_PR and re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):
        return IdNumber(number)  # cards issued until November 2023
    if len(number) != 18:
        raise IdentifierError("length", _wrong_length(kind, len(number)))
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise IdentifierError(
            "characters",
            _("The number may hold digits only, and a digit or X at its end; remove the other characters."),
        )
    region_code, name = _region_of(number, kind)
    birth_date = _birth_date_of(number, today)
    expected = ric.calc_check_digit(number)
    if number[-1] != expected:
        raise IdentifierError(
            "check_digit",
            format_lazy(_("The 18th digit should be {digit}; check the number."), digit=expected),
        )
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    return IdNumber(number, birth_date, sex, region_code, name)


def _wrong_length(kind: DocumentType, length: int) -> Promise:
    if kind is DocumentType.FOREIGN_PR:
        message = _("The number has 18 characters, or 15 on older cards, not {length}; enter all of them.")
    elif length == 15:
        message = _("Numbers of {length} digits are no longer valid; enter the number of 18 characters.")
    else:
        message = _("The number has 18 characters, not {length}; enter all of them.")
    return format_lazy(message, length=length)


def _region_of(number: str, kind: DocumentType) -> tuple[str, str]:
    is_permit, is_foreign = number[:6] in PERMIT_REGIONS, number[0] == "9"
    if kind is DocumentType.RESIDENT_ID and is_foreign and not _is_foreign_card(number):
        # No card at all begins like this: the digits are wrong, and not the kind of document.
        raise IdentifierError(
            "unknown_region",
            format_lazy(_("The region code {code} is not known; check the first six digits."), code=number[:6]),
        )
    if kind is DocumentType.RESIDENT_ID and (is_permit or is_foreign):
        raise IdentifierError(
            "document_type", _("This is not the number of a resident identity card; choose the right document.")
        )
    if kind is DocumentType.HK_MO_TW_PERMIT and not is_permit:
        raise IdentifierError(
            "document_type",
            _("The number of this permit begins with 810000, 820000 or 830000; check it or choose another document."),
        )
    if kind is DocumentType.FOREIGN_PR and not is_foreign:
        raise IdentifierError(
            "document_type", _("The number of this card begins with 9; check it or choose another document.")
        )
    # A foreign resident's card has the province of issue in its second and third place, then the nationality.
    code = number[1:3] + "0000" if is_foreign else number[:6]
    name = region_name(code, int(number[6:10]))
    if name is None:
        raise IdentifierError(
            "unknown_region",
            format_lazy(_("The region code {code} is not known; check the first six digits."), code=code),
        )
    return code, name


def _is_foreign_card(number: str) -> bool:
    """Say whether the card of a foreign permanent resident may begin like this: 9, then a province."""
    return region_name(number[1:3] + "0000", int(number[6:10])) is not None


def _birth_date_of(number: str, today: date) -> date:
    try:
        birth_date = ric.get_birth_date(number)
    except StdnumError:
        birth_date = None
    if birth_date is None or birth_date.year < EARLIEST_YEAR:
        raise IdentifierError("birth_date", _("Digits 7 to 14 are not a possible date of birth; check them."))
    if birth_date > today:
        raise IdentifierError("future", _("The date of birth in digits 7 to 14 is in the future; check it."))
    return birth_date


def age_band(birth_date: date, on: date) -> AgeBand:
    """The band of a person's age on a day.

    An age is reached on the day after the birthday: on a 14th birthday the person is still under 14.
    """
    if on < birth_date:
        raise IdentifierError("before_birth", _("This day is before the date of birth; check both dates."))
    years = on.year - birth_date.year - ((on.month, on.day) <= (birth_date.month, birth_date.day))
    if years < 14:
        return AgeBand.UNDER_14
    if years < 16:
        return AgeBand.FROM_14
    if years < 18:
        return AgeBand.FROM_16
    if years < 70:
        return AgeBand.ADULT
    return AgeBand.FROM_70


# Names

NAME_LENGTH = 50
# What is typed for the dot inside names such as 迪丽热巴·迪力木拉提.
MIDDLE_DOTS = re.compile(r"[.\u00b7\u0387\u16eb\u2022\u2024\u2027\u2218\u2219\u22c5\u25cf\u2e31\u2e33\u30fb\ua78f]")
VARIATIONS = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def normalise_name(text: str) -> str:
    """The form in which two spellings of one name are equal; for comparing, not for showing."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    visible = "".join(char for char in folded if not char.isspace() and unicodedata.category(char) != "Cf")
    return MIDDLE_DOTS.sub("·", VARIATIONS.sub("", visible))


def check_name(text: str) -> str:
    """A person's name as it is to be kept and shown."""
    name = check_plain_text(text, None)
    if "\n" in name or "\t" in name:
        raise IdentifierError("line_break", _("A name stands on one line; remove the line breaks and tabs."))
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name:
        raise IdentifierError("required", _("Enter the name."))
    if len(name) > NAME_LENGTH:
        raise IdentifierError(
            "too_long",
            format_lazy(_("A name has at most {limit} characters; shorten it."), limit=NAME_LENGTH),
        )
    # Rare characters may be newer than this Python (Cn) or in the private use area (Co).
    if not any(unicodedata.category(char)[0] == "L" or unicodedata.category(char) in ("Cn", "Co") for char in name):
        raise IdentifierError("letters", _("A name has at least one letter or Chinese character; enter the name."))
    # Whoever pastes the number too asks about a name that nobody has.
    if re.search(r"[0-9]{5}", name):
        raise IdentifierError("number", _("A name holds no number; enter the number in its own field."))
    return name


# Text

DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_plain_text(text: str, max_length: int | None) -> str:
    """The text with ordinary line ends and nothing around it, free of what cannot be seen but does something."""
    text = re.sub(r"\r\n?|[\u0085\u2028\u2029]", "\n", text).strip()
    if "\0" in text:
        raise IdentifierError("nul", _("The text holds a NUL character; remove it or type the text again."))
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise IdentifierError(
            "control", _("The text holds control characters; type it again or paste it as plain text.")
        )
    if not DIRECTIONS.isdisjoint(text):
        raise IdentifierError(
            "direction",
            _("The text holds invisible characters that change the direction of writing; type it again."),
        )
    if max_length is not None and len(text) > max_length:
        message = _("The text has {length} characters and may have {limit}; shorten it.")
        raise IdentifierError("too_long", format_lazy(message, length=len(text), limit=max_length))
    return text


# Codes and numbers of units, cases and decisions


def check_organ_code(text: str) -> str:
    """The 12-digit code of a public security organ."""
    code = normalise_number(text)
    if not re.fullmatch(r"[0-9]{12}", code):
        raise IdentifierError("organ_code", _("An organ code has 12 digits; enter all of them."))
    if code[:6] != NATIONAL_REGION and region_name(code[:6]) is None:
        raise IdentifierError(
            "unknown_region",
            format_lazy(_("The region code {code} is not known; check the first six digits."), code=code[:6]),
        )
    return code


def check_uscc(text: str) -> str:
    """The 18-character unified social credit code of a unit."""
    code = normalise_number(text)
    if len(code) != 18:
        raise IdentifierError("length", _("A unified social credit code has 18 characters; enter all of them."))
    if not re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}", code):
        raise IdentifierError(
            "characters",
            _("A unified social credit code holds digits and capital letters other than I, O, S, V and Z; check it."),
        )
    try:
        uscc.validate(code)
    except StdnumError:
        raise IdentifierError(
            "check_digit", _("The last character does not fit the others; check the unified social credit code.")
        ) from None
    return code


def check_case_number(text: str, today: date | None = None) -> str:
    """A police case number: A, the organ's code, year and month, and a serial number; none of a year after `today`."""
    number = normalise_number(text)
    if not re.fullmatch(r"A[0-9]{12}(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-9]{4}", number):
        raise IdentifierError(
            "case_number",
            _("A case number is A with 22 digits (organ code, year, month, serial number); check it."),
        )
    _check_year(int(number[13:17]), today)
    return number


def _check_year(year: int, today: date | None) -> None:
    if today is not None and year > today.year:
        raise IdentifierError(
            "future_year", format_lazy(_("The year {year} in the number is still to come; check it."), year=year)
        )


YEAR = r"[(〔\[【﹝]((?:19|20)[0-9]{2})[)〕\]】﹞]"
COURT_NUMBER = re.compile(YEAR + r"([一-鿿][一-鿿0-9()]{0,29}?第?[0-9]{1,8}号(?:之[一二三四五六七八九十0-9]{1,3})?)")
OTHER_CASE_NUMBER = re.compile(
    r"([一-鿿][一-鿿0-9()]{1,29})" + YEAR + r"(第?[0-9]{1,8}号(?:之[一二三四五六七八九十0-9]{1,3})?)"
)
# Penalties (also on the spot), no penalty, and the drug decisions that are numbered in the same way.
DECISION_NUMBER = re.compile(
    r"([一-龥]{1,4}公)[(\[〔]?([一-龥]{0,8}?)[)\]〕]?"
    r"(行罚决字|当罚决字|当罚字|不罚决字|强戒决字|社戒决字)" + YEAR + r"第?([0-9]{1,6})号"
)


def check_court_case_number(text: str, today: date | None = None) -> str:
    """The case number of a court, procuratorate or other organ, its brackets in their usual form, none of a year to come."""
    number = _one_line(text)
    if court := COURT_NUMBER.fullmatch(number):
        _check_year(int(court[1]), today)
        found = f"（{court[1]}）{court[2]}"
    elif other := OTHER_CASE_NUMBER.fullmatch(number):
        _check_year(int(other[2]), today)
        found = f"{other[1]}〔{other[2]}〕{other[3]}"
    else:
        raise IdentifierError(
            "court_case_number",
            _("Enter the case number with its year in brackets and 号 at its end, such as （2026）京0105刑初12号."),
        )
    return found.replace("(", "（").replace(")", "）")


def check_decision_number(text: str, today: date | None = None) -> str:
    """The number of a public security decision, such as 京公海行罚决字〔2026〕50316号; none of a year after `today`."""
    match = DECISION_NUMBER.fullmatch(_one_line(text))
    if match is None:
        raise IdentifierError(
            "decision_number",
            _("Enter the decision number as printed on the decision, such as 京公海行罚决字〔2026〕50316号."),
        )
    organ, department, kind, year, serial = match.groups()
    _check_year(int(year), today)
    bracketed = re.search(r"公[(\[〔]", match[0]) is not None
    return f"{organ}{f'（{department}）' if bracketed else department}{kind}〔{year}〕{serial}号"


def year_of_decision(number: str) -> int | None:
    """The year that a decision number names; None for what is no decision number."""
    match = DECISION_NUMBER.fullmatch(_one_line(number))
    return int(match[4]) if match else None


def check_badge_number(text: str) -> str:
    """A police badge number of 6 or 7 digits."""
    number = normalise_number(text)
    if not re.fullmatch(r"[0-9]{6,7}", number):
        raise IdentifierError("badge_number", _("A badge number has 6 or 7 digits; enter all of them."))
    return number


def _one_line(text: str) -> str:
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


# Indexes


# The register's are made by the key service from these texts; the working ones, for finding what is being worked on,
# are made here under a key of their own, and say nothing about what is sealed.


def subject_text(document_type: str, number: str) -> str:
    """What the register's index of a document is over: equal for every way of typing one number."""
    return f"{DocumentType(document_type).value}|{normalise_number(number)}"


def identity_text(document_type: str, number: str, name: str) -> str:
    """What the register's index of document and name is over."""
    return f"{subject_text(document_type, number)}|{normalise_name(name)}"


def document_key(document_type: str, number: str) -> bytes:
    """The working index of a document."""
    return vault.index("work-document", subject_text(document_type, number))


def name_key(name: str) -> bytes:
    """The working index of a name."""
    return vault.index("work-name", normalise_name(name))


def case_number_key(text: str) -> bytes:
    """The working index of a case number."""
    return vault.index("work-case", _one_line(text).upper())


def decision_number_key(text: str) -> bytes:
    """The working index of a decision number; the stub keeps it, since a decision number leads to a stub."""
    try:
        text = check_decision_number(text)
    except IdentifierError:
        text = _one_line(text)
    return vault.index("work-decision", text)


# Masks


def mask_number(number: str) -> str:
    """The ends of a number, enough to tell two cards apart and too little to use."""
    first, last = (3, 4) if len(number) >= 15 else (1, 2)
    hidden = len(number) - first - last
    return f"{number[:first]}{'*' * hidden}{number[-last:]}" if hidden > 0 else "*" * len(number)
