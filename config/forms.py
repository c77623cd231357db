"""How every form looks, and that it shows what was typed when its page is made again in another language."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField
from django.forms.renderers import TemplatesSetting

from access import typed


class TypedField(BoundField):
    """A field that shows what was typed before the language was changed, and otherwise what Django's shows."""

    def value(self) -> Any:
        values = typed.shown()
        if values is None or self.form.is_bound or not any(map(values.__contains__, self._names())):
            return super().value()
        if self.field.widget.value_omitted_from_data(values, {}, self.html_name):
            return super().value()
        data = self.field.widget.value_from_datadict(values, {}, self.html_name)
        return self.field.prepare_value(self.field.bound_data(data, self.initial))

    def _names(self) -> list[str]:
        # A box that is not ticked sends nothing: it belongs to what was typed when the rest of its form does.
        return [self.form.add_prefix(name) for name in self.form.fields]


class Renderer(TemplatesSetting):
    """Every form and field is rendered by our own components."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = TypedField
