"""The token of every form: Django's own against forgery, and ours that says who is typing."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from access import typed

register = template.Library()


class FormTokens(CsrfTokenNode):
    def render(self, context: Context) -> Any:
        """Return both hidden fields; nobody signed in writes only the first."""
        token = super().render(context)
        user = getattr(getattr(context, "request", None), "user", None)
        if not token or user is None or not user.is_authenticated:
            return token
        return token + format_html('<input type="hidden" name="{}" value="{}">', typed.WRITER, typed.writer(user))


@register.tag("csrf_token")
def form_tokens(parser: Parser, token: Token) -> FormTokens:
    """Put the CSRF token into a form, and who writes it."""
    return FormTokens()
