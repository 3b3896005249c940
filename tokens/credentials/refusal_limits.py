"""The limit of refused credentials per client address, asked before the look-up once it is reached."""

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
from tokens.credentials.credential import RefusedSecret
from tokens.crypto import opaque, tagged

UNCOUNTED = (
    errors.CREDENTIAL_REQUIRED,
    errors.MALFORMED_TOKEN,
    errors.UNAVAILABLE,
    errors.RATE_LIMITED,
)
# An address past its limit has one secret that nothing in memory decides about looked up in this time.
LOOKUP_SECONDS = 1.0
# How long a refusal is repeated to such an address without another look-up.
REFUSED_SECONDS = 1.0
MOST = 10_000


class Guesses:
    """What this process knows of addresses past their limit, by monotonic time; bounded."""

    def __init__(self) -> None:
        self._over: dict[str, float] = {}
        self._next_lookup: dict[str, float] = {}
        self._refused: dict[bytes, float] = {}

    def clear(self) -> None:
        for table in (self._over, self._next_lookup, self._refused):
            table.clear()

    def seconds_left(self, request: HttpRequest) -> int:
        """Until the address may be refused again; 0 where it is not known to be past its limit."""
        if not self._over:
            return 0
        ends = max((self._over.get(window.key, 0.0) for window in _windows(request)), default=0.0)
        return max(0, math.ceil(ends - time.monotonic()))

    def count(self, request: HttpRequest, exc: APIError) -> APIError:
        """The refusal of a well-shaped secret, or of one too many from its address in this minute."""
        try:
            attempts.reserve(_windows(request))
        except attempts.TooManyAttempts as error:
            _put(self._over, error.window.key, time.monotonic() + error.retry_after)
            return APIError(errors.RATE_LIMITED, retry_after=error.retry_after)
        return exc

    def check_lookup(self, request: HttpRequest, raw: str) -> None:
        """Raise APIError(rate_limited) where the address is past its limit and the secret is not one of ours.

        Of other secrets, which may be of an earlier version, one in LOOKUP_SECONDS passes.
        """
        if not self.seconds_left(request):
            return
        network, now = _windows(request)[-1].key, time.monotonic()
        if not self.refused_just_now(opaque.digest(raw)):
            if tagged.is_ours(raw):
                return
            if now >= self._next_lookup.get(network, 0.0):
                _put(self._next_lookup, network, now + LOOKUP_SECONDS)
                return
        raise APIError(errors.RATE_LIMITED, retry_after=math.ceil(LOOKUP_SECONDS))

    def refuse_again(self, digest: bytes) -> None:
        """Remember for a moment what SQL has refused; short, because a suspension may be lifted."""
        _put(self._refused, digest, time.monotonic() + REFUSED_SECONDS)

    def refused_just_now(self, digest: bytes) -> bool:
        return time.monotonic() < self._refused.get(digest, 0.0)


guesses = Guesses()


def refuse(request: HttpRequest, found: ErrorCode | RefusedSecret) -> APIError:
    """Why the request has no credential; a well-shaped secret is counted against its address.

    A known one is also counted for its owner, as long as the address is within its limit.
    """
    if isinstance(found, RefusedSecret):
        error = guesses.count(request, APIError(found.error))
        if error.error is found.error:
            refused_uses.count(found.bucket, found.subject, client_ip(request))
        return error
    if found is errors.RATE_LIMITED:
        return APIError(found, retry_after=max(1, guesses.seconds_left(request)))
    if any(found is one for one in UNCOUNTED):
        return APIError(found)
    return guesses.count(request, APIError(found))


def _windows(request: HttpRequest) -> tuple[FixedWindow, ...]:
    return network_windows(client_ip(request), "refusals", settings.REFUSALS_PER_MINUTE)


def _put(table: dict[Any, Any], key: Any, value: Any) -> None:
    while len(table) >= MOST:
        table.pop(next(iter(table)), None)
    table[key] = value
