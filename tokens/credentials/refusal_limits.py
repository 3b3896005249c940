"""Rate limit of refused credentials per client address. Past the limit it is checked before any look-up."""

from __future__ import annotations

import math
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import errors
from accounts.errors import APIError, ErrorCode
from ratelimit import attempts
from ratelimit.client_ip import client_ip, network_windows
from ratelimit.types import FixedWindow
from ratelimit.usage import refused_uses
from tokens.credentials import superseded_use
from tokens.credentials.credential import RefusedSecret
from tokens.crypto import opaque, tagged

UNCOUNTED = (
    errors.CREDENTIAL_REQUIRED,
    errors.MALFORMED_TOKEN,
    errors.UNAVAILABLE,
    errors.RATE_LIMITED,
)
# An address past its limit may cause one look-up of an undecided secret in this time.
LOOKUP_SECONDS = 1.0
# How long a refusal is repeated to such an address without another look-up.
REFUSED_SECONDS = 1.0
MOST = 10_000


class RefusalLimiter:
    """State of this process about addresses past their limit, by monotonic time. Bounded in size."""

    def __init__(self) -> None:
        self._limited_until: dict[str, float] = {}
        self._next_lookup: dict[str, float] = {}
        self._refused_until: dict[bytes, float] = {}

    def clear(self) -> None:
        for table in (self._limited_until, self._next_lookup, self._refused_until):
            table.clear()

    def seconds_left(self, request: HttpRequest) -> int:
        """Return the seconds until the limit is reset, or 0 if the address is not known to be past it."""
        if not self._limited_until:
            return 0
        ends = max((self._limited_until.get(window.key, 0.0) for window in _windows(request)), default=0.0)
        return max(0, math.ceil(ends - time.monotonic()))

    def count(self, request: HttpRequest, exc: APIError) -> APIError:
        """Count a refused secret. Returns ``exc``, or rate_limited if the address exceeds its limit."""
        try:
            attempts.reserve(_windows(request))
        except attempts.TooManyAttempts as error:
            _put(self._limited_until, error.window.key, time.monotonic() + error.retry_after)
            return APIError(errors.RATE_LIMITED, retry_after=error.retry_after)
        return exc

    def check_lookup(self, request: HttpRequest, raw: str) -> None:
        """Raise APIError(rate_limited) if the address is past its limit and the secret has no valid code.

        Secrets without a code may be from an earlier version: one in LOOKUP_SECONDS may be looked up.
        """
        if not self.seconds_left(request):
            return
        network, now = _windows(request)[-1].key, time.monotonic()
        if not self.was_refused(opaque.digest(raw)):
            if tagged.has_valid_code(raw):
                return
            if now >= self._next_lookup.get(network, 0.0):
                _put(self._next_lookup, network, now + LOOKUP_SECONDS)
                return
        raise APIError(errors.RATE_LIMITED, retry_after=math.ceil(LOOKUP_SECONDS))

    def remember_refusal(self, digest: bytes) -> None:
        """Remember a digest that SQL refused, alone or followed by the address that it was refused at.

        REFUSED_SECONDS are short: a suspension may be lifted.
        """
        _put(self._refused_until, digest, time.monotonic() + REFUSED_SECONDS)

    def was_refused(self, digest: bytes) -> bool:
        return time.monotonic() < self._refused_until.get(digest, 0.0)


refusal_limiter = RefusalLimiter()


def refuse(request: HttpRequest, found: ErrorCode | RefusedSecret) -> APIError:
    """Return the error of the request, and count it against the address if the secret is well-formed.

    A secret that exists is also counted for its owner, as long as the address is within its limit.
    """
    if isinstance(found, RefusedSecret):
        error = refusal_limiter.count(request, APIError(found.error, **found.extra))
        if error.error is found.error:
            refused_uses.count(found.bucket, found.subject, client_ip(request), found.cause)
            if found.error is errors.TOKEN_ROTATED:
                superseded_use.report(found)
        return error
    if found is errors.RATE_LIMITED:
        return APIError(found, retry_after=max(1, refusal_limiter.seconds_left(request)))
    if any(found is one for one in UNCOUNTED):
        return APIError(found)
    return refusal_limiter.count(request, APIError(found))


def _windows(request: HttpRequest) -> tuple[FixedWindow, ...]:
    return network_windows(client_ip(request), "refusals", settings.REFUSALS_PER_MINUTE)


def _put(table: dict[Any, Any], key: Any, value: Any) -> None:
    while len(table) >= MOST:
        table.pop(next(iter(table)), None)
    table[key] = value
