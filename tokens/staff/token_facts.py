"""Facts of a token's life in the admin: its secrets and its rotation, as text."""

from __future__ import annotations

from datetime import UTC, datetime

from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts import rotation

NONE = "None"


def valid_secrets(token: ServiceAccountToken, now: datetime) -> str:
    """Return the masked secrets that are accepted, newest first: two while a rotation runs."""
    found = [one for one in _newest_first(token) if one.is_valid(now)]
    return ", ".join(map(masked, found))


def every_secret(token: ServiceAccountToken) -> str:
    """Return a line for each secret that the token ever had, newest first."""
    return "\n".join(f"{masked(one)}, {_life(one)}" for one in _newest_first(token))


def running_rotation(token: ServiceAccountToken, now: datetime) -> str:
    found = rotation.running(token, now)
    if found is None:
        return NONE
    return f"Since {_moment(found.started_at)}, the old secret ends {_moment(found.ends_at)}"


def masked(secret: TokenSecret) -> str:
    return f"{secret.prefix}…{secret.last_four}"


def _newest_first(token: ServiceAccountToken) -> list[TokenSecret]:
    return sorted(token.secrets.all(), key=lambda one: one.pk, reverse=True)


def _life(secret: TokenSecret) -> str:
    created = f"created {_moment(secret.created_at)}"
    if secret.revoked_at:
        return f"{created}, cancelled {_moment(secret.revoked_at)}"
    return f"{created}, valid until {_moment(secret.valid_until)}" if secret.valid_until else created


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
