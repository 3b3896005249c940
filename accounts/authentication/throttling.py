"""Rate limits of password and code attempts, shared by every endpoint and page that checks one.

A stranger's failures count for the account from the stranger's network, and for the account from everywhere.
What has signed in to the account before does not share the latter: a browser, by its cookie, has a window of
its own, and a program's network keeps the one that it has for this account.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.authentication import known_devices
from accounts.models import User
from accounts.validation import addresses
from ratelimit import attempts
from ratelimit.attempts import Reservation
from ratelimit.client_ip import client_ip, network_of, network_windows
from ratelimit.sql import limits
from ratelimit.types import FixedWindow

DAY = 86_400


class TooManyTries(ValidationError):
    """No further attempt is checked now; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        words = "1 minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"Too many tries. Try again in {words}.", code="too_many_login_attempts")
        self.retry_after = retry_after


def reserve(email: str, request: HttpRequest | None) -> Reservation:
    """Count an attempt before its password is checked; raises TooManyTries."""
    name, seconds = account(email), settings.SIGN_IN_WINDOW_SECONDS
    everywhere = FixedWindow("account", f"account:{name}", settings.SIGN_INS_EVERYWHERE, seconds)
    device = known_devices.device_of(request, email)
    windows = [*_of_account(email, request, device, everywhere, seconds)]
    if request is not None and not device:
        windows += network_windows(client_ip(request), "address", settings.SIGN_INS_PER_ADDRESS, seconds)
    return _reserve(windows)


def check_successes(email: str) -> None:
    """Raise TooManyTries if the account has signed in too often in this minute.

    Each sign-in hashes a password, one at a time per process, and one account must not occupy them all.
    Other people cannot exhaust this limit, because only a right password counts.
    """
    try:
        attempts.check([_successes(email)])
    except attempts.TooManyAttempts as error:
        raise TooManyTries(error.retry_after) from None


def count_success(email: str) -> None:
    """Call it for a right password; concurrent attempts with the last admitted one pass as well."""
    with suppress(attempts.TooManyAttempts):
        attempts.reserve([_successes(email)])


def reserve_code(user: User, request: HttpRequest | None) -> Reservation:
    """Count an attempt of a second factor, after the first factor; raises TooManyTries.

    Only an attempt with that proof counts here, failures of the first factor do not, and a new password
    does not reset it: otherwise an attacker with access to the mailbox alone could guess without limit.
    """
    everywhere = FixedWindow("codes", f"codes:{account(user.email)}", settings.CODES_EVERYWHERE, DAY)
    device = known_devices.device_of(request, user.email)
    return _reserve([*_of_account(user.email, request, device, everywhere, settings.SIGN_IN_WINDOW_SECONDS)])


def refund(reservation: Reservation) -> None:
    """Uncount a successful attempt; earlier failures stay counted."""
    attempts.refund(reservation)


def is_time_to_warn(user: User) -> bool:
    """Count a wrong code; return True if it is the day's CODES_BEFORE_EMAIL-th."""
    limit = settings.CODES_BEFORE_EMAIL
    window = FixedWindow("warning", f"warning:{account(user.email)}", limit, DAY)
    admitted, hits, _ = limits.hit_window(window, window.key, limits.clock())
    return admitted and hits == limit


def clear(email: str) -> None:
    """Reset the limit of an account whose password was just replaced."""
    attempts.clear(f"account:{account(email)}")


def remember(user: User, request: HttpRequest) -> None:
    """Remember the browser and its network as the account owner's, after a complete sign-in."""
    known_devices.remember_device(request, user)
    known_devices.remember_network(user, client_ip(request))


def account(email: str) -> str:
    """Return one key for all spellings of an address that a look-up might treat as equal."""
    text = unicodedata.normalize("NFKC", addresses.normalized(email)).upper().casefold()
    return sha256(unicodedata.normalize("NFKC", text).encode(errors="replace")).hexdigest()[:32]


def _of_account(
    email: str, request: HttpRequest | None, device: str | None, everywhere: FixedWindow, seconds: int
) -> Iterator[FixedWindow]:
    """The windows of an account, whose names all begin with that of the one for ``everywhere``."""
    if request is None:
        yield everywhere
        return
    key, limit = everywhere.key, settings.SIGN_INS_PER_ACCOUNT
    if device:
        yield FixedWindow("device", f"{key}:device:{device}", limit, seconds)
        return
    address = client_ip(request)
    if not known_devices.is_known_network(email, address):
        yield everywhere
    # An address that can't be read has no network, and still a window for this account.
    found = network_windows(address, key, limit, seconds)
    yield from found or [FixedWindow("network", f"{key}:{network_of(None)}", limit, seconds)]


def _successes(email: str) -> FixedWindow:
    return FixedWindow("successes", f"successes:{account(email)}", settings.SIGN_INS_PER_MINUTE)


def _reserve(windows: list[FixedWindow]) -> Reservation:
    try:
        return attempts.reserve(windows, durable=True)
    except attempts.TooManyAttempts as error:
        raise TooManyTries(error.retry_after) from None
