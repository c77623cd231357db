from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.fields import DayInput
from audit.trail import EventType


class AcceptForm(forms.Form):
    """The fingerprint of the database that stood on the screen."""

    schema = forms.RegexField(r"\A[0-9a-f]{64}\Z")


class FilterForm(forms.Form):
    """What the list of events may be narrowed to."""

    kind = forms.ChoiceField(label=_("Act"), required=False, choices=[("", _("All acts")), *EventType.choices])
    actor = forms.CharField(label=_("Person (user name or badge number)"), required=False, max_length=150)
    target = forms.CharField(label=_("Number of the object"), required=False, max_length=64)
    day_from = forms.DateField(label=_("From day"), required=False, widget=DayInput)
    day_to = forms.DateField(label=_("To day"), required=False, widget=DayInput)

    def clean_target(self) -> str:
        """Ids are kept in small letters; codes as they are."""
        target = self.cleaned_data["target"]
        return target.lower() if len(target) == 36 else target

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("day_from"), cleaned.get("day_to")
        if first and last and first > last:
            self.add_error("day_to", _("The last day lies before the first. Choose a later day."))
        return cleaned
