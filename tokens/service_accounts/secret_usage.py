"""Usage of each secret of a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ratelimit.usage import reports
from ratelimit.usage.reports import KeyUsage, Usage
from tokens.models import ServiceAccountToken, TokenSecret

# Secrets of a token that its record shows.
MOST_SECRETS = 20


@dataclass(frozen=True, slots=True)
class SecretUsage:
    """A secret with its calls."""

    secret: TokenSecret
    calls: int
    last_used_at: datetime | None


def by_token(
    organization_id: UUID, tokens: Sequence[ServiceAccountToken], used: dict[UUID, Usage]
) -> dict[UUID, list[SecretUsage]]:
    """Return the newest MOST_SECRETS of each token, newest first, without those of cancelled rotations.

    ``used`` is the usage of the tokens. This takes one round trip and two queries if one was ever rotated.
    """
    rotated = [token.pk for token in tokens if any(one.is_counted for one in token.secrets.all())]
    keys = reports.by_keys(organization_id, rotated)
    return {token.pk: _of_token(token, used.get(token.pk), keys.get(token.pk, {})) for token in tokens}


def _of_token(
    token: ServiceAccountToken, total: Usage | None, keys: dict[int, KeyUsage]
) -> list[SecretUsage]:
    """Return the secrets with their usage. Calls before the first rotation belong to the first secret."""
    found = sorted((one for one in token.secrets.all() if not one.revoked_at), key=lambda one: -one.pk)
    first = found[-1]
    if total and not first.is_counted:
        return [SecretUsage(first, total.calls, total.last_used_at)]
    calls = {key: usage.calls for key, usage in keys.items()}
    counted = sum(usage.calls for key, usage in keys.items() if key != first.pk)
    calls[first.pk] = max(0, (total.calls if total else 0) - counted)
    last = {key: usage.last_used_at for key, usage in keys.items()}
    return [SecretUsage(one, calls.get(one.pk, 0), last.get(one.pk)) for one in found[:MOST_SECRETS]]
