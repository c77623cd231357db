from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Every form and field is rendered by our own components."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
