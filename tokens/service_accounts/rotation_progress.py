"""What a token's page shows of a rotation: the use of both secrets, and of superseded ones afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import dates
from ratelimit.usage import refused_uses
from ratelimit.usage.refused_uses import RefusedAddress
from tokens.credentials.token_lookup import cause_of_secret
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.records import Record
from tokens.service_accounts.rotation import Rotation
from tokens.service_accounts.secret_usage import SecretUsage

RECENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Progress:
    """The use of both secrets of a running rotation."""

    rotation: Rotation
    previous: SecretUsage
    current: SecretUsage
    now: datetime

    @property
    def previous_is_in_use(self) -> bool:
        """Whether the old secret was used in the last five minutes."""
        last = self.previous.last_used_at
        return last is not None and self.now - last <= RECENT

    @property
    def is_complete(self) -> bool:
        """Whether calls come with the new secret only, so that the overlap may end."""
        return self.current.calls > 0 and not self.previous_is_in_use

    @property
    def closing(self) -> str:
        """How long after the first use of the new secret the overlap ends, in words, or ""."""
        seconds = self.rotation.closes_after_first_use_seconds
        return "" if seconds is None else dates.duration(seconds)


@dataclass(frozen=True, slots=True)
class SupersededUse:
    """Refused uses of a secret whose overlap has ended. ``addresses`` has the busiest first."""

    secret: TokenSecret
    addresses: list[RefusedAddress]

    @property
    def count(self) -> int:
        return sum(one.count for one in self.addresses)

    @property
    def last_at(self) -> datetime:
        return max(one.last_at for one in self.addresses)

    @property
    def known_addresses(self) -> list[RefusedAddress]:
        return [one for one in self.addresses if one.address]


def progress(record: Record, now: datetime) -> Progress | None:
    """Return the progress of the token's running rotation."""
    if record.rotation is None:
        return None
    usage = {one.secret.pk: one for one in record.secrets}
    previous, current = record.rotation.previous, record.rotation.current
    return Progress(record.rotation, usage[previous.pk], usage[current.pk], now)


def superseded_uses(token: ServiceAccountToken, now: datetime) -> list[SupersededUse]:
    """Return the refused uses of superseded secrets, latest secret first: one query after a rotation."""
    ended = [one for one in token.secrets.all() if one.superseded_at and not one.is_valid(now)]
    if not ended:
        return []
    uses = refused_uses.by_cause(token.organization_id, token.pk, now=now)
    latest_first = sorted(ended, key=lambda one: -one.pk)
    found = [SupersededUse(one, uses.get(cause_of_secret(one.pk), [])) for one in latest_first]
    return [one for one in found if one.addresses]
