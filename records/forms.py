"""What the pages of the register take: an entry in sections, a remark, a date of service, a signature."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access import identifiers
from access.actions.opening import OTHER_TEXT
from access.fields import DayField, PlainLineField, PlainTextField
from access.identifiers import DocumentType, IdentifierError
from access.models import UndertakingText, User
from records import entry as entries
from records import penalties
from records.entry import Entry, Particulars
from records.models import Offence

LARGEST_FINE = 100_000_000


class _NeededLater(forms.Field):
    """Marked as needed, but a draft may leave it empty: the check before submission asks for it."""

    def validate(self, value: Any) -> None:
        if value not in self.empty_values:
            super().validate(value)


class LaterLine(_NeededLater, PlainLineField):
    pass


class LaterText(_NeededLater, PlainTextField):
    pass


class LaterDay(_NeededLater, DayField):
    pass


class OffenceSelect(forms.Select):
    """The catalogue as options that can be searched by code, pinyin and both languages, with the bands as a hint."""

    offences: Mapping[str, Offence]

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what an offence is found by and what penalties it provides."""
        option = super().create_option(name, value, *args, **kwargs)
        if offence := self.offences.get(str(value)):
            option["attrs"]["data-search"] = f"{offence.code} {offence.pinyin} {offence.name_zh} {offence.name_en}"
            option["attrs"]["data-hint"] = " ".join(penalties.describe(offence))
        return option


class OffenceField(_NeededLater, forms.TypedChoiceField):
    """An offence of the catalogue, read once for the options and for the choice."""

    widget = OffenceSelect(attrs={"data-combobox": ""})

    def offer(self, offences: list[Offence]) -> None:
        """Set the options: the law in force by section, and what was in force before in one group."""
        by_id = {str(offence.pk): offence for offence in offences}
        self.widget.offences = by_id
        self.coerce = by_id.__getitem__
        groups: list[Any] = [("", _("Choose an offence"))]
        current = [offence for offence in offences if offence.law == entries.CURRENT_LAW]
        for title, rows in groupby(current, key=lambda offence: offence.section_title):
            groups.append((title, [self._option(offence) for offence in rows]))
        earlier = [offence for offence in offences if offence.law != entries.CURRENT_LAW]
        groups.append((_("Earlier law, for acts before 2026"), [self._option(offence) for offence in earlier]))
        self.choices = groups

    @staticmethod
    def _option(offence: Offence) -> tuple[str, str]:
        return str(offence.pk), f"{offence.citation} {offence.name}"


@dataclass(frozen=True)
class Section:
    """One part of the entry: its fields, and how far it is."""

    key: str
    title: str
    fields: list[forms.BoundField] = field(default_factory=list)
    state: str = "EMPTY"


# The sections of an entry, with their fields in the order of the page.
SECTIONS: dict[str, tuple[Any, list[str]]] = {
    "person": (gettext_lazy("Person"), ["document_type", "number", "name", "address"]),
    "act": (gettext_lazy("Offence and act"), ["offence", "acted_on"]),
    "facts": (gettext_lazy("Facts and evidence"), ["facts", "evidence", "case_number"]),
    "decision": (
        gettext_lazy("Penalty and decision"),
        [
            *["warning", "fine_yuan", "detention_days", "licence_revoked", "exit_order", "deportation"],
            *["penalty_reason", "decided_on", "decision_number"],
        ],
    ),
    "officers": (gettext_lazy("Officers"), ["co_officer"]),
}
TEXTS = [
    *["name", "document_type", "number", "address", "facts", "evidence"],
    *["case_number", "decision_number", "penalty_reason"],
]
PENALTY: dict[str, Any] = asdict(penalties.Penalty())


class EntryForm(forms.Form):
    """An entry as it is being written; what is missing or wrong in law is said by `records.entry.problems`."""

    use_required_attribute = False

    # Which version was opened, or which new form this is: what is stale or sent twice is not saved over.
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    token = forms.UUIDField(required=False, widget=forms.HiddenInput)

    document_type = forms.ChoiceField(label=gettext_lazy("Document"), choices=DocumentType.choices)
    number = LaterLine(
        label=gettext_lazy("Document number"),
        limit=40,
        widget=forms.TextInput(attrs={"data-id-number": "", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("As on the document; spaces do not matter."),
    )
    name = LaterLine(
        label=gettext_lazy("Name"), limit=identifiers.NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    address = LaterLine(label=gettext_lazy("Address"), widget=forms.TextInput(attrs={"autocomplete": "off"}))

    offence = OffenceField(
        label=gettext_lazy("Offence"),
        empty_value=None,
        help_text=gettext_lazy(
            "Search by article, pinyin initials or a word. The law of the day of the act applies; the new law, where its penalty is lighter."
        ),
        error_messages={"invalid_choice": gettext_lazy("Choose the offence from the catalogue.")},
    )
    acted_on = LaterDay(label=gettext_lazy("Date of the act"))

    facts = LaterText(label=gettext_lazy("Facts"), limit=entries.LONGEST_TEXT, rows=6)
    evidence = LaterText(label=gettext_lazy("Evidence"), limit=entries.LONGEST_TEXT)
    case_number = LaterLine(
        label=gettext_lazy("Case number"),
        limit=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "number"}),
        help_text=gettext_lazy("A and 22 digits: organ code, year and month, serial number."),
    )

    warning = forms.BooleanField(label=gettext_lazy("Warning"), required=False)
    fine_yuan = forms.IntegerField(
        label=gettext_lazy("Fine in yuan"), required=False, min_value=0, max_value=LARGEST_FINE
    )
    detention_days = forms.IntegerField(
        label=gettext_lazy("Days of detention"), required=False, min_value=0, max_value=999
    )
    licence_revoked = forms.BooleanField(label=gettext_lazy("Licence revoked"), required=False)
    exit_order = forms.BooleanField(
        label=gettext_lazy("Ordered to leave the country (foreigners only)"), required=False
    )
    deportation = forms.BooleanField(label=gettext_lazy("Deportation (foreigners only)"), required=False)
    penalty_reason = PlainTextField(
        label=gettext_lazy("Reason for the penalty"),
        required=False,
        help_text=gettext_lazy(
            "Needed where the penalty departs from the bands of the offence, or where the lighter new law is applied to an earlier act."
        ),
    )
    decided_on = LaterDay(label=gettext_lazy("Date of the decision"))
    decision_number = LaterLine(
        label=gettext_lazy("Decision number"),
        limit=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("As printed on the decision, such as 京公海行罚决字〔2026〕50316号."),
    )

    co_officer = forms.TypedChoiceField(
        label=gettext_lazy("Second officer"),
        required=False,
        empty_value=None,
        help_text=gettext_lazy("Two officers investigate a case. The second one may also change this draft."),
    )

    def __init__(self, *args: Any, colleagues: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offence_field.offer(list(Offence.objects.order_by("-law", "code")))
        people = {str(person.pk): person for person in colleagues}
        self.fields["co_officer"].choices = [  # type: ignore[attr-defined]
            ("", _("Nobody else for now")),
            *[(pk, str(person)) for pk, person in people.items()],
        ]
        self.fields["co_officer"].coerce = people.__getitem__  # type: ignore[attr-defined]
        self._hint_limits()

    @property
    def offence_field(self) -> OffenceField:
        """The field of the offence, by its own type."""
        return cast(OffenceField, self.fields["offence"])

    @property
    def chosen_offence(self) -> Offence | None:
        """The offence as it stands in the form now, saved or not."""
        return self.offence_field.widget.offences.get(str(self["offence"].value()))

    @property
    def bands(self) -> list[str]:
        """What the law provides for the chosen offence."""
        return penalties.describe(self.chosen_offence) if self.chosen_offence else []

    def _hint_limits(self) -> None:
        offence = self.chosen_offence
        if offence is None:
            return
        if offence.max_fine_yuan is not None:
            self.fields["fine_yuan"].help_text = (
                _("At most %(limit)s yuan for this offence.") % {"limit": offence.max_fine_yuan}
                if offence.max_fine_yuan
                else _("The law provides no fine for this offence.")
            )
        if offence.max_detention_days is not None:
            self.fields["detention_days"].help_text = (
                ngettext(
                    "At most %(limit)s day for this offence.",
                    "At most %(limit)s days for this offence.",
                    offence.max_detention_days,
                )
                % {"limit": offence.max_detention_days}
                if offence.max_detention_days
                else _("The law provides no detention for this offence.")
            )

    def entry(self) -> Entry:
        """Return what was typed, with numbers and codes in their one form where they are right."""
        data = self.cleaned_data
        texts = {name: data[name] for name in TEXTS}
        checks: dict[str, Callable[[str], str]] = {
            "name": identifiers.check_name,
            "number": lambda text: (
                identifiers.parse_id_number(text, timezone.localdate(), texts["document_type"]).number
            ),
            "case_number": identifiers.check_case_number,
            "decision_number": identifiers.check_decision_number,
        }
        for name, check in checks.items():
            texts[name] = _tidied(texts[name], check)
        return Entry(
            particulars=Particulars(**texts),
            offence=data["offence"],
            acted_on=data["acted_on"],
            decided_on=data["decided_on"],
            penalty=penalties.Penalty(**{name: data[name] or none for name, none in PENALTY.items()}),
        )

    def show(self, problems: dict[str, list[str]]) -> None:
        """Put each problem beside its field, and so into the summary too."""
        for name, sentences in problems.items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)

    def sections(self) -> Iterator[Section]:
        """Yield the sections with their fields and how far each is."""
        for key, (title, names) in SECTIONS.items():
            fields = [self[name] for name in names]
            yield Section(key, str(title), fields, self._state(key, fields))

    def _state(self, key: str, fields: list[forms.BoundField]) -> str:
        if any(one.errors for one in fields):
            return "TO_CORRECT"
        typed = [one.name for one in fields if one.name != "document_type" and one.value()]
        needed = {one.name for one in fields if one.field.required and one.name != "document_type"}
        if not typed:
            return "EMPTY" if needed else "OPTIONAL"
        has_penalty = key != "decision" or bool(set(typed) & set(PENALTY))
        return "DONE" if needed <= set(typed) and has_penalty else "BEGUN"


def typed_values(entry: Entry) -> dict[str, Any]:
    """Return an entry as the form shows it and sends it."""
    particulars = asdict(entry.particulars)
    return {
        **{name: particulars[name] for name in TEXTS},
        "offence": str(entry.offence.pk) if entry.offence else "",
        "acted_on": _iso(entry.acted_on),
        "decided_on": _iso(entry.decided_on),
        **{name: value or "" for name, value in asdict(entry.penalty).items()},
    }


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _tidied(text: str, check: Callable[[str], str]) -> str:
    try:
        return check(text)
    except IdentifierError:
        return text


class VersionForm(forms.Form):
    """Which version of a record was on the screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class RemarkForm(VersionForm):
    remark = PlainTextField(
        label=gettext_lazy("What has to be corrected"),
        help_text=gettext_lazy("The officer who entered the record reads this remark beside it."),
    )


class ServiceForm(forms.Form):
    served_on = DayField(
        label=gettext_lazy("Date of service"),
        past=True,
        help_text=gettext_lazy("The day on which the decision was handed over or served (PSAPL Article 116)."),
    )


class UndertakingForm(forms.Form):
    """The signature under the text that was on the screen."""

    text = forms.ModelChoiceField(UndertakingText.objects.all(), widget=forms.HiddenInput)
    signed_name = PlainLineField(
        label=gettext_lazy("Your full name"),
        limit=60,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=gettext_lazy("Type it as it stands at the top of the page. This is your signature."),
    )

    def clean(self) -> None:
        # Told beside the field that can be seen.
        if self.errors.pop("text", None):
            self.add_error("signed_name", OTHER_TEXT)


class OpenForm(forms.Form):
    """Names one opening: sending the same form again is the same opening."""

    token = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def new(cls) -> OpenForm:
        """Return an empty form with a token of its own: sending it twice is one opening."""
        return cls(initial={"token": uuid.uuid4()})
