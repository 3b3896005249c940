"""What was refused during a token's pause: it shows whether any program still needs the token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ratelimit.usage import refused_uses
from ratelimit.usage.refused_uses import RefusedAddress
from ratelimit.usage.sync import DETAILS_KEPT
from tokens.credentials.token_lookup import cause_of_pause
from tokens.models import ServiceAccountToken

MOST_ADDRESSES = 20


@dataclass(frozen=True, slots=True)
class PauseReport:
    """The present pause or the last one. ``ended_at`` is None while it lasts, ``paused_at`` without any.

    ``addresses`` begin with the one of most calls. ``other_calls`` came from further or unknown addresses.
    ``counted_since`` is later than ``paused_at`` if older counts have been deleted.
    """

    paused_at: datetime | None = None
    paused_until: datetime | None = None
    ended_at: datetime | None = None
    counted_since: datetime | None = None
    reason: str | None = None
    calls: int = 0
    addresses: Sequence[RefusedAddress] = ()

    @property
    def other_calls(self) -> int:
        return self.calls - sum(one.count for one in self.addresses)


NONE = PauseReport()


def report(token: ServiceAccountToken, now: datetime) -> PauseReport:
    """Return the report of the present or last pause, whose counts are kept; one round trip and one query."""
    if token.paused_at is None:
        return NONE
    kept_since, ended_at = now - DETAILS_KEPT, _end(token, now)
    if ended_at is not None and ended_at < kept_since:
        return NONE
    cause = cause_of_pause(token.paused_at)
    found = refused_uses.by_address(token.organization_id, token.pk, cause, now=now)
    return PauseReport(
        paused_at=token.paused_at,
        paused_until=token.paused_until,
        ended_at=ended_at,
        counted_since=max(token.paused_at, kept_since),
        reason=token.paused_reason or None,
        calls=sum(one.count for one in found),
        addresses=[one for one in found if one.address][:MOST_ADDRESSES],
    )


def _end(token: ServiceAccountToken, now: datetime) -> datetime | None:
    """Return when it was resumed, or ended while it was paused."""
    ends = (token.resumed_at, token.paused_until, token.revoked_at, token.expires_at)
    first = min((end for end in ends if end is not None), default=None)
    return first if first is not None and first <= now else None
