"""Forms of security keys, for which what a browser sends is either right or one sentence, never an error page."""

from __future__ import annotations

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as stock
from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

# What the libraries raise when they read a credential that nobody's key has made.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, struct.error)


class CredentialField(forms.JSONField):
    """JSON from the browser's key; numbers of 5,000 digits and a thousand brackets are no credential."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Return an object, or allauth's own error for whatever else was sent."""
        if value in self.empty_values:
            return None
        try:
            read = super().to_python(value)
        except ValidationError:
            raise
        except UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None
        if not read or not isinstance(read, dict):
            # allauth verifies what is true only: 0, [] and {} would be kept as a key that nobody ever had.
            raise get_adapter().validation_error("incorrect_code")
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show what could not be read as it was sent."""
        try:
            return super().bound_data(data, initial)
        except UNREADABLE:
            return InvalidJSONInput(data)


class AuthenticateWebAuthnForm(stock.AuthenticateWebAuthnForm):
    """What signing in with a key needs."""

    credential = CredentialField()

    def clean_credential(self) -> Any:
        """Return the factor that answered, or allauth's own error for whatever could not be read."""
        try:
            return super().clean_credential()
        except ValidationError:
            raise
        except UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None
