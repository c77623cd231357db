"""Forms of whoever administers people and agreements, or assigns duties."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from access import identifiers
from access.duties import Duty
from access.fields import CheckedField, DayField
from access.models import Organisation, User


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
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        help_text=_("At least 12 characters. Hand it over in person."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Enter a first password.")},
    )

    def __init__(self, *args: Any, organisations: QuerySet[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]

    def clean_username(self) -> str:
        username = self.cleaned_data["username"]
        # Signing in does not tell capitals from small letters.
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("This user name is taken; choose another one."), code="taken")
        return username


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

    def __init__(self, *args: Any, organisations: QuerySet[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]
