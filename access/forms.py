"""Forms shape input and never save; each says beside the field what is the matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator
from django.forms import BoundField
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import catalogue, identifiers, law, scope
from access.actions.decisions import Review, Scope, act_of, why_empty
from access.actions.requests import Particulars, Person, why_not_the_day
from access.database import Act
from access.exceptions import Refused
from access.fields import (
    Cards,
    CheckedField,
    CodeField,
    DayField,
    LetterField,
    NewPasswordField,
    PlainLineField,
    PlainTextField,
)
from access.identifiers import DocumentType, IdentifierError
from access.models import AccessRequest, CasePurpose, LegalBasis, Organisation
from access.models.law import Rung
from access.models.requests import CheckPoint, Outcome
from access.webauthn_forms import CredentialField

MOST_PEOPLE = 100

# What a case purpose may need to know, and the question to the purpose whether it does.
NEEDED_BY_PURPOSE = {
    "act_on": "counts_from_act",
    "act_kind": "same_kind",
    "decision_number": "names_decision",
    "decision_on": "names_decision",
}


def _choices(form: forms.Form, name: str) -> forms.ChoiceField:
    """Return a field whose choices depend on who asks for what."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type
    return field


def _of_no_year_to_come(check: Callable[[str, date], str]) -> Callable[[str], str]:
    """Return the check of a number, as of the day on which the form is read."""
    return lambda text: check(text, timezone.localdate())


class BasisForm(forms.Form):
    """The legal basis, chosen before anything else; the view says why one does not apply."""

    basis = forms.ChoiceField(
        label=_("Legal basis"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a legal basis."),
            "invalid_choice": _("There is no such legal basis; choose one of the list."),
        },
    )

    def __init__(self, *args: Any, codes: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "basis").choices = [(code, code) for code in codes]


class RequestForm(forms.Form):
    """One request as it is written: a draft may lack parts, but what is there has to be right."""

    # Drafts may lack parts, so browsers are not told to insist; the mark beside the label tells people.
    use_required_attribute = False

    rows = forms.IntegerField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    token = forms.UUIDField(widget=forms.HiddenInput, required=False)
    case_purpose = forms.ChoiceField(
        label=_("Case purpose"),
        help_text=_("What the law lets your organ look at earlier violations for; it limits the answer."),
        error_messages={"required": _("Choose the case purpose.")},
    )
    reason = PlainTextField(
        label=_("Reason"),
        help_text=_("Why the query is needed, as the decider should read it. Do not repeat the names here."),
        error_messages={"required": _("Give the reason for the query.")},
    )
    scope_of_use = PlainTextField(
        label=_("Scope of use"),
        help_text=_("What the answer will be used for, and by whom. It may be used for nothing else."),
        error_messages={"required": _("Say how the answer will be used, and by whom.")},
    )
    asked_rung = forms.ChoiceField(
        label=_("How much the answer says"),
        help_text=_("Ask for the least that serves the purpose; the decider may lower it."),
    )
    asked_from = DayField(
        label=_("Only records since"),
        past=True,
        required=False,
        help_text=_("Leave it empty for the whole period that the law allows."),
    )
    act_on = DayField(
        label=_("Day of the new act"),
        past=True,
        required=False,
        help_text=_(
            "The act that is being handled now. Where the case purpose has a period, it is counted back from this day, not from the day of a decision."
        ),
    )
    act_kind = forms.ChoiceField(
        label=_("Kind of the new act"),
        required=False,
        help_text=_("Where the case purpose speaks of acts of the same kind, only records of this kind are answered."),
    )
    decision_number = CheckedField(
        _of_no_year_to_come(identifiers.check_decision_number),
        label=_("Number of the decision under review"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("As printed on the decision, such as 京公海行罚决字〔2026〕50316号."),
    )
    decision_on = DayField(
        label=_("Date of the decision under review"),
        past=True,
        required=False,
        help_text=_("As it stands on the decision; only that decision is answered."),
    )
    letter = LetterField(
        label=_("Letter as a file"),
        help_text=format_lazy(
            _("PDF, JPEG or OFD, at most {megabytes} MB, with the seal of your unit."),
            megabytes=settings.LETTER_MAX_MEGABYTES,
        ),
        error_messages={"required": _("Attach the official letter.")},
    )

    def __init__(
        self,
        *args: Any,
        basis: LegalBasis,
        organisation: Organisation,
        purposes: list[CasePurpose],
        row_count: int,
        has_letter: bool = False,
        is_final: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.row_count = max(1, min(row_count, MOST_PEOPLE))
        self.initial["rows"] = self.row_count
        self.is_final = is_final
        self.today = timezone.localdate()
        self._add_people()
        self.purposes = {purpose.code: purpose for purpose in purposes} if basis.needs_case_purpose else {}
        self._add_needs()
        if basis.needs_case_purpose:
            _choices(self, "case_purpose").choices = [
                ("", gettext("Choose…")),
                *((purpose.code, f"{purpose.title} · {purpose.citation}") for purpose in purposes),
            ]
        else:
            del self.fields["case_purpose"]
        if basis.needs_case_number:
            self.fields["case_number"] = _case_number_field(organisation)
        self.basis = basis
        rungs = [
            rung
            for rung in Rung.up_to(basis.highest_rung)
            if not basis.needs_case_purpose
            or any(rung in Rung.up_to(purpose.highest_rung) for purpose in purposes)
            or rung == Rung.PRESENCE
        ]
        _choices(self, "asked_rung").choices = [(rung.value, rung.label) for rung in rungs]
        self.fields["asked_rung"].widget = Cards(
            descriptions=scope.LEVELS, choices=_choices(self, "asked_rung").choices
        )
        self.fields["letter"].required = basis.needs_letter and not has_letter
        self.order_fields(
            ["rows", "version", "token", *self._people_fields(), "case_purpose", *NEEDED_BY_PURPOSE, "case_number"]
        )

    def _add_needs(self) -> None:
        """Keep the fields that a case purpose of this organ needs; which of them count says the purpose that is chosen."""
        for name, need in NEEDED_BY_PURPOSE.items():
            if not any(getattr(purpose, need) for purpose in self.purposes.values()):
                del self.fields[name]
                continue
            # Neither needed nor optional by itself: its label says that the purpose decides.
            self.fields[name].is_conditional = True  # type: ignore[attr-defined]
        if "act_kind" in self.fields:
            kinds = sorted(catalogue.kinds_of_acts(), key=catalogue.category_title)
            _choices(self, "act_kind").choices = [
                ("", gettext("Choose…")),
                *((code, catalogue.category_title(code)) for code in kinds),
            ]

    def _add_people(self) -> None:
        for row in range(1, self.row_count + 1):
            number = {"row": row}
            self.fields[f"name_{row}"] = CheckedField(
                identifiers.check_name,
                label=_("Person %(row)d: name") % number,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
                required=row == 1,
            )
            self.fields[f"document_type_{row}"] = forms.ChoiceField(
                label=_("Person %(row)d: document") % number,
                choices=DocumentType.choices,
                initial=DocumentType.RESIDENT_ID,
            )  # always has a value, so there is nothing to insist on
            self.fields[f"number_{row}"] = CheckedField(
                lambda text: text,
                label=_("Person %(row)d: number of the document") % number,
                required=row == 1,
                widget=forms.TextInput(attrs={"data-id-number": "", "autocomplete": "off", "spellcheck": "false"}),
            )

    def _people_fields(self) -> list[str]:
        rows = range(1, self.row_count + 1)
        return [f"{part}_{row}" for row in rows for part in ("name", "document_type", "number")]

    @property
    def people_rows(self) -> Iterator[tuple[BoundField, BoundField, BoundField]]:
        """The three fields of each person, for the template."""
        for row in range(1, self.row_count + 1):
            yield self[f"name_{row}"], self[f"document_type_{row}"], self[f"number_{row}"]

    @property
    def loses_a_letter(self) -> bool:
        """Say whether a good file was sent that the browser will not send again by itself."""
        return bool(self.files.get("letter")) and "letter" not in self.errors

    def full_clean(self) -> None:
        """Let a draft lack parts, without forgetting which ones a submission needs."""
        wanted = [field for name, field in self.fields.items() if field.required and self._may_lack(name)]
        for field in wanted:
            field.required = False
        super().full_clean()
        for field in wanted:
            field.required = True

    def _may_lack(self, name: str) -> bool:
        # Rows of people are judged as a whole: an empty one is left out.
        return not self.is_final or name in self._people_fields()

    def clean(self) -> dict[str, Any]:
        """Read the people row by row, and ask for what the basis and the purpose need."""
        cleaned = super().clean() or {}
        cleaned["people"] = self._clean_people(cleaned)
        self._clean_needs(cleaned)
        self._clean_law(cleaned)
        if self.is_final and not cleaned["people"] and not any(name in self.errors for name in self._people_fields()):
            self.add_error("name_1", _("Name at least one person."))
        return cleaned

    def _clean_needs(self, cleaned: dict[str, Any]) -> None:
        """Ask for what the chosen purpose needs, and drop what it does not, so that nothing widens or narrows unseen.

        While no purpose is chosen, a draft keeps what was typed.
        """
        chosen = self.purposes.get(cleaned.get("case_purpose", ""))
        for name, need in NEEDED_BY_PURPOSE.items():
            if chosen is None:
                cleaned.setdefault(name, None)
            elif not getattr(chosen, need):
                cleaned[name] = None
            elif self.is_final and name not in self.errors and not cleaned.get(name):
                self.add_error(name, str(law.NEEDED[name]))
        if chosen is not None and (impossible := why_not_the_day(cleaned.get("act_on"), cleaned["people"], self.today)):
            self.add_error("act_on", impossible)
        if chosen is not None and (empty := why_empty(cleaned.get("asked_from"), cleaned.get("act_on"))):
            self.add_error("asked_from", empty)

    def _clean_law(self, cleaned: dict[str, Any]) -> None:
        """Say beside the field what the text of the chosen purpose does not carry: the act's day, a level, somebody's age."""
        chosen = self.purposes.get(cleaned.get("case_purpose", ""))
        if chosen is None:
            return
        if self.is_final and chosen.case_bound and "asked_from" not in self.errors and not cleaned.get("asked_from"):
            self.add_error("asked_from", str(law.NEEDED["asked_from"]))
        act_on = cleaned.get("act_on")  # an error takes it away
        if why_not := law.why_not_act(chosen, act_on):
            self.add_error("act_on", why_not)
        if why_not := law.why_not_rung(self.basis, chosen, cleaned.get("asked_rung") or Rung.PRESENCE):
            self.add_error("asked_rung", why_not)
        for row in range(1, self.row_count + 1):
            typed, kind = cleaned.get(f"number_{row}"), cleaned.get(f"document_type_{row}")
            if not typed or f"number_{row}" in self.errors:
                continue
            number = identifiers.parse_id_number(typed, self.today, kind or DocumentType.RESIDENT_ID)
            if why_not := law.why_not_age(chosen, act_on, number):
                self.add_error(f"number_{row}", why_not)

    def _clean_people(self, cleaned: dict[str, Any]) -> list[Person]:
        people: list[Person] = []
        rows_by_number: dict[tuple[str, str], int] = {}
        for row in range(1, self.row_count + 1):
            name, typed = cleaned.get(f"name_{row}", ""), cleaned.get(f"number_{row}", "")
            kind = cleaned.get(f"document_type_{row}") or DocumentType.RESIDENT_ID.value
            has_errors = f"name_{row}" in self.errors or f"number_{row}" in self.errors
            number = typed and self._clean_number(row, typed, kind)
            if number and (earlier := rows_by_number.setdefault((kind, number), row)) != row:
                self.add_error(
                    f"number_{row}",
                    gettext("Person %(row)d has the same number; name each person once.") % {"row": earlier},
                )
            if has_errors or not (name or typed):
                continue
            if self.is_final and not name:
                self.add_error(f"name_{row}", _("Enter the name; name and number are both needed."))
            if self.is_final and not typed:
                self.add_error(f"number_{row}", _("Enter the number; name and number are both needed."))
            people.append(Person(name=name, document_type=kind, number=number))
        return people

    def _clean_number(self, row: int, typed: str, kind: str) -> str:
        try:
            return identifiers.parse_id_number(typed, self.today, kind).number
        except IdentifierError as error:
            self.add_error(f"number_{row}", str(error))
            return ""

    def particulars(self) -> Particulars:
        """Return what was written, once the form is valid."""
        values = self.cleaned_data
        return Particulars(
            reason=values["reason"],
            scope_of_use=values["scope_of_use"],
            case_number=values.get("case_number", ""),
            decision_number=values.get("decision_number") or "",
            people=values["people"],
        )


def _case_number_field(organisation: Organisation) -> CheckedField:
    error_messages = {"required": _("Give the case number; a state organ asks for a case.")}
    if organisation.is_police:
        return CheckedField(
            _of_no_year_to_come(identifiers.check_case_number),
            label=_("Case number"),
            help_text=_("A with 22 digits, such as A3101010000002026010001."),
            error_messages=error_messages,
        )
    return CheckedField(
        _of_no_year_to_come(identifiers.check_court_case_number),
        label=_("Case number"),
        help_text=_("With its year in brackets and 号 at its end, such as （2026）京0105刑初12号."),
        error_messages=error_messages,
    )


class VersionForm(forms.Form):
    """A move without words: which version was on the screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class DeclarationForm(forms.Form):
    """The last step before a request leaves its writer's hands."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    declared = forms.BooleanField(
        label=_("I have read it all again: it is true, and the answer will be used for this purpose only."),
        error_messages={"required": _("Confirm the declaration before you submit the request.")},
    )
    insists = forms.BooleanField(
        label=_("I have the documents before me, and they say exactly what I typed."),
        help_text=_("Then the deciding organ compares names and numbers with the documents before it decides."),
        required=False,
    )

    def __init__(self, *args: Any, names_differ: bool = False, **kwargs: Any) -> None:
        """Offer to insist on a document only once the population register has said something else."""
        super().__init__(*args, **kwargs)
        self.names_differ = names_differ


class ReasonForm(forms.Form):
    """A serious act with its reason."""

    use_required_attribute = False  # our own sentence instead of the browser's, in the reader's language

    reason = PlainTextField(
        label=_("Reason"), rows=3, error_messages={"required": _("Give the reason for your decision.")}
    )


class DecisionForm(forms.Form):
    """One vote: the checklist, one of four outcomes, the narrower scope where that is chosen, and the reason."""

    use_required_attribute = False
    APPROVE, NARROWER, REFUSE, RETURN = "approve", "narrower", "refuse", "return"
    NARROWED = ("rung", "window_from", "hours", "openings")
    OUTCOMES = (
        (APPROVE, _("Approve as asked")),
        (NARROWER, _("Approve narrower")),
        (REFUSE, _("Refuse")),
        (RETURN, _("Return for correction")),
    )
    EXPLAINED = {
        APPROVE: _("The requester may open the answer that was asked for, for the longest time that the basis allows."),
        NARROWER: _("The requester may open less: fill in the narrower scope below."),
        REFUSE: _("Nothing is shown. The requester reads your reason."),
        RETURN: _("The requester may correct the request and submit it again; meanwhile the clock stands still."),
    }
    KEYS = {APPROVE: "a", NARROWER: "p", REFUSE: "d", RETURN: "i"}
    # The usual sentences (常用意见); each becomes the beginning of the reason.
    PHRASES = (
        _("The basis fits the purpose, and the scope is the least that serves it."),
        _("The scope is narrowed to the least that serves the purpose."),
        _("The legal basis does not cover this purpose."),
        _("The reason does not show why the query is needed."),
        _("The official letter is incomplete; attach one with the seal of the unit."),
    )

    # What was on the screen: a vote is about that and nothing else.
    version = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages={"required": _("This page was incomplete. Read the request again before you decide.")},
    )
    outcome = forms.ChoiceField(
        label=_("Your decision"),
        choices=OUTCOMES,
        widget=Cards(descriptions=EXPLAINED, keys=KEYS),
        error_messages={"required": _("Choose a decision.")},
    )
    rung = forms.ChoiceField(label=_("The answer says at most"), required=False)
    window_from = DayField(label=_("Only records since"), past=True, required=False)
    hours = forms.IntegerField(label=_("Hours the answer may be opened for"), required=False, min_value=1)
    openings = forms.IntegerField(label=_("Openings for each person asked about"), required=False, min_value=1)
    phrase = forms.ChoiceField(
        label=_("Usual sentence"), required=False, help_text=_("It becomes the beginning of your reason.")
    )
    reason = PlainTextField(
        label=_("Reason"),
        help_text=_("Needed for every decision; the requester reads it."),
        error_messages={"required": _("Give the reason for your decision.")},
    )

    def __init__(
        self,
        *args: Any,
        access_request: AccessRequest,
        earliest: date | None,
        people: Mapping[str, str],
        latest: date | None = None,
        why_not_approve: str = "",
        **kwargs: Any,
    ) -> None:
        """`people` are those whom a decider compares with their documents: name by point of the checklist.

        `why_not_approve` is why the law does not carry the request any more.
        """
        kwargs.setdefault("initial", {"version": access_request.version})
        super().__init__(*args, **kwargs)
        self.latest = latest
        self.why_not_approve = why_not_approve
        basis = access_request.basis
        self.widest = Scope(
            rung=access_request.asked_rung, hours=basis.grant_hours, openings=basis.grant_openings, window_from=earliest
        )
        _choices(self, "rung").choices = [
            (rung.value, rung.label)
            for rung in Rung.up_to(access_request.asked_rung)
            if not law.why_not_rung(basis, access_request.case_purpose, rung)
        ]
        for name, limit in (("hours", basis.grant_hours), ("openings", basis.grant_openings)):
            self.fields[name].validators.append(MaxValueValidator(limit))
            self.fields[name].widget.attrs["max"] = limit
        _choices(self, "phrase").choices = [
            ("", gettext("None")),
            *((phrase, phrase) for phrase in map(str, self.PHRASES)),
        ]
        for name in self.NARROWED:
            self.fields[name].initial = getattr(self.widest, name)
            # It is filled with what was asked: "optional" beside it would say that it may be left empty.
            self.fields[name].is_prefilled = True  # type: ignore[attr-defined]
        self.asked_points = [*CheckPoint.values, *people]
        for place, point in enumerate(CheckPoint, 1):
            self._add_point(point.value, str(point.label), keys={"yes": str(place)})
        for person_point, name in people.items():
            label = gettext("Name and number of %(name)s belong together, as the document shows") % {"name": name}
            # No key: each document is looked at.
            self._add_point(person_point, label, keys={})
        self.order_fields([*map(_point, self.asked_points), "outcome"])

    def _add_point(self, point: str, label: str, *, keys: dict[str, str]) -> None:
        self.fields[_point(point)] = forms.ChoiceField(
            label=label,
            choices=[("yes", _("Yes")), ("no", _("No"))],
            widget=Cards(keys=keys),
            error_messages={"required": _("Answer this point with yes or no.")},
        )

    @property
    def points(self) -> list[BoundField]:
        """The points of the checklist, each as its field."""
        return [self[_point(point)] for point in self.asked_points]

    @property
    def narrowed(self) -> list[BoundField]:
        """The fields on which less may be given than was asked."""
        return [self[name] for name in self.NARROWED]

    def full_clean(self) -> None:
        """A usual sentence alone is a reason."""
        reason = self.fields["reason"]
        reason.required = not (self.is_bound and self.data.get("phrase"))
        super().full_clean()
        reason.required = True

    def clean(self) -> dict[str, Any]:
        """Refuse an outcome that says something else than the scope below it: what is shown is what is given (Rule 7)."""
        cleaned = super().clean() or {}
        changed = [name for name in self.NARROWED if cleaned.get(name) not in (None, "", getattr(self.widest, name))]
        if cleaned.get("outcome") in (self.APPROVE, self.NARROWER) and (
            empty := why_empty(cleaned.get("window_from"), self.latest)
        ):
            self.add_error("window_from", empty)
        if cleaned.get("outcome") == self.APPROVE and changed:
            # Never give more than the form shows (Rule 7).
            self.add_error(
                "outcome", _("The scope below was narrowed; choose “Approve narrower”, or put it back as it was.")
            )
        if (
            cleaned.get("outcome") == self.NARROWER
            and not changed
            and not any(name in self.errors for name in self.NARROWED)
        ):
            self.add_error(
                "outcome", _("Nothing below is narrower than what was asked; narrow it, or choose “Approve as asked”.")
            )
        if cleaned.get("outcome") in (self.APPROVE, self.NARROWER) and self.why_not_approve:
            self.add_error("outcome", self.why_not_approve)
        # Before anybody is asked who they are, not after.
        if cleaned.get("outcome") in (self.APPROVE, self.NARROWER) and all(
            _point(one) in cleaned for one in self.asked_points
        ):
            try:
                Review(self._checklist(cleaned), "").check_allows_approval()
            except Refused as error:
                self.add_error("outcome", str(error))
        return cleaned

    def review(self) -> Review:
        """Return the answered checklist and the reason, once the form is valid."""
        values = self.cleaned_data
        return Review(
            checklist=self._checklist(values),
            reason="\n".join(filter(None, [values["phrase"], values["reason"]])),
        )

    def act(self, access_request: AccessRequest) -> Act:
        """Return the one vote that this form is about, once it is valid: what a confirmation of identity is for."""
        outcome = {self.REFUSE: Outcome.REFUSE, self.RETURN: Outcome.RETURN}.get(
            self.cleaned_data["outcome"], Outcome.APPROVE
        )
        scope = self.scope() if outcome == Outcome.APPROVE else None
        return act_of(access_request, access_request.version, outcome, scope)

    def _checklist(self, values: dict[str, Any]) -> dict[str, bool]:
        return {point: values[_point(point)] == "yes" for point in self.asked_points}

    def scope(self) -> Scope:
        """Return what an approval allows, once the form is valid."""
        if self.cleaned_data["outcome"] == self.APPROVE:
            return self.widest
        return Scope(**{name: self.cleaned_data[name] or getattr(self.widest, name) for name in self.NARROWED})


def _point(point: str) -> str:
    return f"point_{point.lower()}"


class IdentityForm(forms.Form):
    """The password once more, and what proves it beside the password: a security key, or a code."""

    use_required_attribute = False  # a security key sends the form by itself

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password.")},
    )
    code = CodeField(
        label=_("Code of your authenticator app, or a recovery code"),
        error_messages={"required": _("Enter the code.")},
    )
    credential = CredentialField(required=False)

    def __init__(self, *args: Any, strongest: str, is_change: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strongest = strongest
        if strongest != "webauthn":
            del self.fields["credential"]
        if strongest == "webauthn" and is_change:
            self.fields["code"].label = _("A recovery code, if you have lost the key")
            self.fields["code"].required = False
        elif strongest != "totp":
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        """Ask for the security key where this person has one."""
        cleaned = super().clean() or {}
        if (
            self.strongest == "webauthn"
            and not self.errors
            and not cleaned.get("credential")
            and not cleaned.get("code")
        ):
            raise forms.ValidationError(_("Press the button of your security key after “Use the security key”."))
        return cleaned


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    use_required_attribute = False

    new_password = NewPasswordField(
        label=_("New password"),
        help_text=_("At least 12 characters, not common, no pattern, and not made of your name or badge number."),
        error_messages={"required": _("Enter the new password.")},
    )
    new_password_again = NewPasswordField(
        label=_("New password again"),
        error_messages={"required": _("Enter the new password again.")},
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two passwords that are not the same."""
        cleaned = super().clean() or {}
        if not self.errors and cleaned["new_password"] != cleaned["new_password_again"]:
            self.add_error("new_password_again", _("This is not the same as above. Type both again."))
        return cleaned


class NewAppForm(forms.Form):
    """The code that a new authenticator app shows, for the secret that was on the page."""

    use_required_attribute = False

    carried_secret = forms.CharField(widget=forms.HiddenInput)
    code = CodeField(
        label=_("Code that the app shows now"),
        error_messages={"required": _("Enter the code.")},
    )


class NewKeyForm(forms.Form):
    """A new security key, as the browser registered it, and what its owner calls it."""

    use_required_attribute = False

    name = PlainLineField(label=_("Name of the key"), limit=40, required=False)
    credential = CredentialField(error_messages={"required": _("The key was not registered. Try again.")})


class PreferencesForm(forms.Form):
    """What a person chooses for their own pages."""

    language = forms.ChoiceField(label=_("Language"), help_text=_("Used after each sign-in."))
    single_keys = forms.BooleanField(label=_("Single keys open pages and move in lists"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "language").choices = settings.LANGUAGES
