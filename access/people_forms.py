"""Forms of whoever administers people and agreements, or assigns duties."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from access import identifiers
from access.fields import CheckedField, DayField, NewPasswordField, PlainTextField
from access.models import Organisation, User
from access.models.duty import DANGEROUS, Duty


class OrganisationField(forms.ModelChoiceField):
    """A unit out of those that the person's duty reaches, in the order of the tree."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose a unit"))
        kwargs.setdefault(
            "error_messages",
            {
                "required": _("Choose the unit."),
                "invalid_choice": _("There is no such unit here; choose one of the list."),
            },
        )
        super().__init__(Organisation.objects.none(), **kwargs)


class PersonForm(forms.Form):
    """A new person, who may do nothing until a duty is given."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        help_text=_("For signing in: letters, digits, dots, hyphens and underscores."),
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                _(
                    "A user name has letters, digits, dots, hyphens and underscores only, and begins with a letter or digit."
                ),
            )
        ],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter a user name.")},
    )
    full_name = CheckedField(
        identifiers.check_name, label=_("Full name"), error_messages={"required": _("Enter the full name.")}
    )
    badge_number = CheckedField(
        identifiers.check_badge_number,
        label=_("Badge number"),
        required=False,
        help_text=_("Police officers only: 6 or 7 digits."),
    )
    organisation = OrganisationField(label=_("Unit"))
    by_two = forms.BooleanField(
        label=_("Two administrators each hand over half of the code"),
        required=False,
        help_text=_(
            "Needed for whoever is to decide requests, oversee, administer people, assign duties or maintain the law."
        ),
    )

    def __init__(self, *args: Any, organisations: QuerySet[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]

    def clean_username(self) -> str:
        """Refuse a user name that somebody has in other capitals: signing in does not tell them apart."""
        username = self.cleaned_data["username"]
        # Signing in does not tell capitals from small letters.
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("This user name is taken; choose another one."), code="taken")
        return username

    def clean_badge_number(self) -> str:
        """Refuse a badge number that somebody has."""
        number = self.cleaned_data["badge_number"]
        if number and User.objects.filter(badge_number=number).exists():
            raise ValidationError(
                _("Somebody has this badge number already; check it, or look for the person in the list."), code="taken"
            )
        return number


class NewCodeForm(forms.Form):
    """Why somebody needs a new code, and whether two administrators make it."""

    reason = PlainTextField(
        label=_("Reason"),
        limit=2000,
        rows=3,
        help_text=_(
            "Such as a lost telephone; needed where two make the code: whoever makes the second half reads it."
        ),
        required=False,
    )
    by_two = forms.BooleanField(
        label=_("Two administrators each hand over half of the code"),
        required=False,
        help_text=_(
            "Needed before a person can be given a duty to decide requests, oversee, administer people, assign duties or maintain the law."
        ),
    )

    def __init__(self, *args: Any, takes_two: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.takes_two = takes_two
        if takes_two:  # there is nothing to choose
            del self.fields["by_two"]

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where a second person judges it."""
        values = super().clean() or {}
        if (self.takes_two or values.get("by_two")) and not values.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Give the reason for a new code."))
        return values


class EnrolForm(forms.Form):
    """A one-time code and the password that its holder chooses with it."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": _("Enter a user name.")},
    )
    code = forms.CharField(
        label=_("One-time code"),
        max_length=80,
        help_text=_(
            "As it stands on the paper. If two people gave you half of it each, type the first half and then the second."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
        error_messages={"required": _("Enter the code.")},
    )
    password = NewPasswordField(
        label=_("New password"),
        help_text=_(
            "At least 12 characters, no pattern, nothing of your name. Nobody else needs to know it, and nobody will ask for it."
        ),
        error_messages={"required": _("Choose a password.")},
    )
    password_again = NewPasswordField(
        label=_("New password again"),
        error_messages={"required": _("Type the password once more.")},
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two passwords that differ, and a weak one; nothing is said about the account."""
        values = super().clean() or {}
        password, again = values.get("password"), values.get("password_again")
        if password and again and password != again:
            self.add_error("password_again", _("The two passwords are not the same."))
        elif password:
            try:
                # Of the account itself nothing is asked: a stranger types here.
                validate_password(password, User(username=values.get("username", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return values


class AgreementForm(forms.Form):
    """The last day of a unit's agreement."""

    ends_on = DayField(
        label=_("Last day of the agreement"),
        help_text=_("A day in the past ends filing, deciding and opening for this unit at once."),
        error_messages={
            "required": _("Enter the last day of the agreement."),
            "invalid": _("Enter the day as year, month and day, such as 2026-03-01."),
        },
    )


class DutyForm(forms.Form):
    """One duty at one unit."""

    duty = forms.ChoiceField(
        label=_("Duty"),
        choices=Duty.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a duty."),
            "invalid_choice": _("There is no such duty; choose one of the list."),
        },
    )
    organisation = OrganisationField(
        label=_("At which unit"), help_text=_("A duty reaches the units below this one as well.")
    )
    reason = PlainTextField(
        label=_("Reason"),
        limit=2000,
        rows=3,
        required=False,
        help_text=_(
            "Needed where two people have to agree: to decide requests, oversee, administer people, assign duties, maintain the law."
        ),
    )

    def __init__(self, *args: Any, organisations: QuerySet[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where a second person judges it."""
        values = super().clean() or {}
        if values.get("duty") in DANGEROUS and not values.get("reason", "").strip() and "reason" not in self.errors:
            self.add_error(
                "reason", _("This duty takes two people: give the reason, so that the second one can judge it.")
            )
        return values


class WithdrawForm(forms.Form):
    """Which duty is taken away, and where; the button that was pressed says it."""

    duty = forms.ChoiceField(choices=Duty.choices)
    organisation = OrganisationField()

    def __init__(self, *args: Any, organisations: QuerySet[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]


class TurnDownForm(forms.Form):
    """Why a proposal is turned down; whoever proposed it need not say why they take it back."""

    reason = PlainTextField(
        label=_("Reason"), limit=2000, rows=3, error_messages={"required": _("Give the reason why it is turned down.")}
    )

    def __init__(self, *args: Any, is_own: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not is_own
