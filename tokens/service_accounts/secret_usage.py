"""Usage of each secret of a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ratelimit.usage import reports
from ratelimit.usage.reports import KeyUsage, Usage
from tokens.models import ServiceAccountToken, TokenSecret


@dataclass(frozen=True, slots=True)
class SecretUsage:
    """A secret with its calls.

    ``last_used_at`` is also None for a token's first secret that has not been used since the first rotation.
    """

    secret: TokenSecret
    calls: int
    last_used_at: datetime | None


def by_token(
    organization_id: UUID, tokens: Sequence[ServiceAccountToken], used: dict[UUID, Usage]
) -> dict[UUID, list[SecretUsage]]:
    """Return the secrets of each token, newest first, without those of cancelled rotations.

    ``used`` is the usage of the tokens. This takes one round trip and two queries if one was ever rotated.
    """
    rotated = [token.pk for token in tokens if len(token.secrets.all()) > 1]
    keys = reports.by_keys(organization_id, rotated)
    return {token.pk: _of_token(token, used.get(token.pk), keys.get(token.pk, {})) for token in tokens}


def _of_token(
    token: ServiceAccountToken, total: Usage | None, keys: dict[int, KeyUsage]
) -> list[SecretUsage]:
    """Return the secrets with their usage. Calls before the first rotation belong to the first secret."""
    newest_first = sorted(token.secrets.all(), key=lambda one: -one.pk)
    first = newest_first[-1].pk
    others = {key: usage for key, usage in keys.items() if key != first}
    found = [
        SecretUsage(secret, keys[secret.pk].calls, keys[secret.pk].last_used_at)
        if secret.pk in others
        else SecretUsage(secret, 0, None)
        for secret in newest_first[:-1]
    ]
    calls = total.calls if total else 0
    last = keys[first].last_used_at if first in keys else total.last_used_at if total and not others else None
    calls -= sum(usage.calls for usage in others.values())
    found.append(SecretUsage(newest_first[-1], max(0, calls), last))
    return [one for one in found if one.secret.revoked_at is None]
