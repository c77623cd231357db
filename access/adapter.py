"""How allauth signs our people in: nobody signs up, and every sign-in and sign-out is an event."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.db import transaction
from django.http import HttpRequest

from access import vault
from access.models import User
from audit import trail


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are entered by who administers them."""
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in and write the event; without the event there is no session (Rule 12)."""
        with transaction.atomic(durable=True):
            super().login(request, user)
            trail.write(trail.EventType.SIGNED_IN, by=user, on=user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic(durable=True):
            if user.is_authenticated:
                trail.write(trail.EventType.SIGNED_OUT, by=user, on=user)
            super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a failed sign-in; the name that was typed is not kept, since people type passwords there."""
        super().authentication_failed(request, **credentials)
        with transaction.atomic(durable=True):
            known = User.objects.filter(username=credentials.get("username", "")).first()
            trail.write(trail.EventType.SIGN_IN_FAILED, by=None, on=known)


class MFAAdapter(DefaultMFAAdapter):
    def get_totp_label(self, user: User) -> str:
        return user.username

    def encrypt(self, text: str) -> str:
        """Keep second-factor secrets under the working key, not in plain text in the database."""
        record = str(uuid.uuid4())
        key, wrapped = vault.new_key("mfa_authenticator", record)
        parts = [wrapped, key.encrypt(text.encode(), field="data")]
        return ".".join([record, *(urlsafe_b64encode(part).decode() for part in parts)])

    def decrypt(self, encrypted_text: str) -> str:
        record, *parts = encrypted_text.split(".")
        wrapped, blob = (urlsafe_b64decode(part) for part in parts)
        key = vault.unwrap(wrapped, table="mfa_authenticator", record=record)
        return key.decrypt(blob, field="data").decode()
