"""Rate limits of unauthenticated endpoints.

They are checked before any lookup, so that they do not reveal whether an account exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest

from accounts import errors
from accounts.audit import request_context
from accounts.authentication import known_devices
from accounts.authentication.throttling import account
from accounts.errors import APIError
from ratelimit import attempts
from ratelimit.client_ip import UNKNOWN, client_ip, network_windows
from ratelimit.types import FixedWindow

HOUR = 3600


def check_sign_up(request: HttpRequest) -> None:
    """Raise APIError(rate_limited) after too many sign-ups from this IP address."""
    _check("sign-ups", settings.SIGN_UPS_PER_ADDRESS, HOUR, request)


def check_request(request: HttpRequest) -> None:
    """Raise APIError(rate_limited) after too many requests for links from this IP address."""
    _check("links", settings.LINKS_PER_ADDRESS, HOUR, request)


def check_secret(request: HttpRequest) -> None:
    """Raise APIError(rate_limited) after too many attempted secrets from this IP address."""
    _check("refusals", settings.REFUSALS_PER_MINUTE, 60, request)


def check_leak_report(request: HttpRequest) -> None:
    """Raise APIError(rate_limited) after too many reports of published secrets from this IP address."""
    _check("leaks", settings.LEAK_REPORTS_PER_MINUTE, 60, request)


@contextmanager
def counting_refusal(request: HttpRequest) -> Iterator[None]:
    """Count the block as an attempted secret, unless it succeeds.

    Raises APIError(rate_limited) after too many from this IP address.
    """
    reservation = _check("refusals", settings.REFUSALS_PER_MINUTE, 60, request)
    yield
    attempts.refund(reservation)


def may_mail(kind: str, email: str) -> bool:
    """Whether one more mail of a kind may go to an address in this hour.

    Limited for the requester's network, so that no stranger uses up the owner's mails, and more widely for
    all networks together but those that the owner has signed in from.
    """
    address = request_context.current().address
    key = f"mail:{kind}:{account(email)}"
    windows = list(network_windows(address, key, settings.MAILS_PER_HOUR, HOUR))
    windows = windows or [FixedWindow("mail", f"{key}:{UNKNOWN}", settings.MAILS_PER_HOUR, HOUR)]
    if not known_devices.is_known_network(email, address):
        windows.append(FixedWindow("mail", key, settings.MAILS_EVERYWHERE, HOUR))
    try:
        attempts.reserve(windows)
    except attempts.TooManyAttempts:
        return False
    return True


def _check(name: str, limit: int, seconds: int, request: HttpRequest) -> attempts.Reservation:
    try:
        return attempts.reserve(network_windows(client_ip(request), name, limit, seconds))
    except attempts.TooManyAttempts as error:
        raise APIError(errors.RATE_LIMITED, retry_after=error.retry_after) from None
