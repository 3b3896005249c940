"""allauth's seams: who may sign up, and limits on sign-in that are decided before a password is checked."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from ratelimit import limiter
from ratelimit.client import client_network
from ratelimit.values import WindowLimit


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try against its account and its address; raises ValidationError past either limit."""
        email = credentials.get("email") or ""
        if not sign_in_admitted(email, request):
            raise self.validation_error("too_many_login_attempts")


def sign_in_admitted(email: str, request: HttpRequest) -> bool:
    """Whether one more try may be made: every door to an account counts in the same two windows."""
    account = sha256(email.strip().lower().encode(errors="replace")).hexdigest()[:32]
    seconds = settings.SIGN_IN_WINDOW_SECONDS
    by_address = WindowLimit(
        "sign-in", f"sign-in:{client_network(request)}", settings.SIGN_INS_PER_ADDRESS, seconds
    )
    by_account = WindowLimit("sign-in", f"sign-in:{account}", settings.SIGN_INS_PER_ACCOUNT, seconds)
    return limiter.hit_window(by_address)[0] and limiter.hit_window(by_account)[0]
