from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit import kinds
from audit.alarms import LONGEST_FINDING
from audit.fields import DayInput, TimeInput
from audit.kinds import Group


class AcceptForm(forms.Form):
    """The fingerprint of the database that stood on the screen."""

    schema = forms.RegexField(r"\A[0-9a-f]{64}\Z")


class CloseForm(forms.Form):
    """What somebody found out about an alarm."""

    finding = forms.CharField(
        label=_("Finding"),
        help_text=_("What was the matter, what was done, and who was told. It is kept for good."),
        min_length=10,
        max_length=LONGEST_FINDING,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class FilterForm(forms.Form):
    """What the list of events may be narrowed to: one search, and filters that combine."""

    q = forms.CharField(label=_("Request number, id, person or unit"), required=False, max_length=150)
    group = forms.ChoiceField(label=_("Group"), required=False, choices=[("", _("All groups")), *Group.choices])
    kind = forms.ChoiceField(label=_("Act"), required=False, choices=lambda: [("", _("All acts")), *kinds.choices()])
    actor = forms.CharField(label=_("Done by (name, user name or badge number)"), required=False, max_length=150)
    unit = forms.CharField(label=_("Unit (name or code)"), required=False, max_length=150)
    day_from = forms.DateField(label=_("From day"), required=False, widget=DayInput)
    time_from = forms.TimeField(label=_("From time"), required=False, widget=TimeInput)
    day_to = forms.DateField(label=_("To day"), required=False, widget=DayInput)
    time_to = forms.TimeField(label=_("To time"), required=False, widget=TimeInput)

    def clean(self) -> dict[str, Any]:
        """Refuse a time without its day, and an end before its beginning."""
        cleaned = super().clean() or {}
        for time, day in (("time_from", "day_from"), ("time_to", "day_to")):
            if cleaned.get(time) and not cleaned.get(day) and day not in self.errors:
                self.add_error(time, _("Choose the day of this time too."))
        first, last = cleaned.get("day_from"), cleaned.get("day_to")
        if first and last and first > last:
            self.add_error("day_to", _("The last day lies before the first. Choose a later day."))
        elif first and first == last and _is_after(cleaned.get("time_from"), cleaned.get("time_to")):
            self.add_error("time_to", _("The last time lies before the first. Choose a later time."))
        return cleaned


def _is_after(first: Any, last: Any) -> bool:
    return bool(first and last and first > last)
