"""Authentication backend: password checks of every login method."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from accounts.authentication import throttling, user_events
from accounts.crypto.password_text import spellings
from accounts.errors import APIError
from accounts.models import User


class LimitedBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's backend, which takes as long for unknown accounts, with our rate limits."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Raise TooManyTries, a form's kind of error, before a password is looked at."""
        if not credentials.get("password"):
            return None
        email = str(credentials.get("email") or credentials.get("username") or "")
        throttling.check_successes(email)
        reservation = throttling.reserve(email, request)
        try:
            stored = User.objects.spelling_of(email)
            user: User | None = super().authenticate(request, email=stored, password=credentials["password"])
        except APIError:
            # Nothing was checked.
            throttling.refund(reservation)
            raise
        if user is not None:
            throttling.refund(reservation)
            throttling.count_success(email)
        if user is None or not user.is_active:
            user_events.sign_in_failed(email)
        return user

    def _mitigate_timing_attack(self, password: str) -> None:
        """Compute as many hashes as User.check_password does."""
        for _ in spellings(password):
            super()._mitigate_timing_attack(password)
