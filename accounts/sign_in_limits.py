"""Limits on guessing that every door to an account shares: its page, the API's, the admin's."""

from __future__ import annotations

import unicodedata
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ratelimit import tries
from ratelimit.client import client_network
from ratelimit.tries import Taken
from ratelimit.values import WindowLimit


class TooManyTries(ValidationError):
    """No further try now, right or wrong; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        words = "1 minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"Too many tries. Try again in {words}.", code="too_many_login_attempts")
        self.retry_after = retry_after


def take(email: str, request: HttpRequest | None) -> Taken:
    """Take a try of the account and of the address, before anything is checked; raises TooManyTries."""
    seconds = settings.SIGN_IN_WINDOW_SECONDS
    windows = [WindowLimit("account", f"account:{account(email)}", settings.SIGN_INS_PER_ACCOUNT, seconds)]
    if request is not None:
        key = f"address:{client_network(request)}"
        windows.append(WindowLimit("address", key, settings.SIGN_INS_PER_ADDRESS, seconds))
    try:
        return tries.take(windows, durable=True)
    except tries.TooMany as spent:
        raise TooManyTries(spent.retry_after) from None


def give_back(taken: Taken) -> None:
    """Uncount a try that succeeded; those that failed before it stay counted."""
    tries.give_back(taken)


def account(email: str) -> str:
    """One name for every spelling that a look-up, here or in the database, might take for the same."""
    text = unicodedata.normalize("NFKC", email.strip()).upper().casefold()
    return sha256(unicodedata.normalize("NFKC", text).encode(errors="replace")).hexdigest()[:32]
