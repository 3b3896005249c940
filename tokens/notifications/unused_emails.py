"""Emails about tokens that will be revoked because they are unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts import dates
from accounts.models import Organization
from accounts.notifications.email import Email, defang
from tokens.models import ServiceAccountToken

KEEP_IT = "One call with a token keeps it. A revocation cannot be undone."


@dataclass(frozen=True, slots=True)
class UnusedToken:
    token: ServiceAccountToken
    last_used_at: datetime | None
    revoked_from: datetime


def unused(organization: Organization, tokens: Sequence[UnusedToken]) -> Email:
    """Announce that tokens will be revoked."""
    name = defang(organization.name)
    days = organization.unused_tokens_revoked_after_days
    policy = f"{name} revokes API tokens that were not used for {days} days."
    if len(tokens) > 1:
        return Email(
            f"{len(tokens)} unused API tokens of {name} will be revoked",
            (policy,),
            f"{settings.BASE_URL}{reverse('tokens')}",
            "See the tokens",
            (KEEP_IT,),
            tuple((defang(one.token.name), _facts(one)) for one in tokens),
        )
    [one] = tokens
    return Email(
        f"Unused API token will be revoked on {dates.day(one.revoked_from)}: {defang(one.token.name)}",
        (policy,),
        f"{settings.BASE_URL}{reverse('token_detail', args=[one.token.public_id])}",
        "See the token",
        (KEEP_IT,),
        (
            ("Token", _masked(one.token)),
            ("Last used", _use(one)),
            ("Will be revoked", dates.exactly(one.revoked_from)),
        ),
    )


def _facts(one: UnusedToken) -> str:
    used = "never used" if one.last_used_at is None else f"last used {dates.day(one.last_used_at)}"
    return f"{_masked(one.token)}, {used}, will be revoked on {dates.day(one.revoked_from)}"


def _use(one: UnusedToken) -> str:
    return dates.exactly(one.last_used_at) if one.last_used_at else "Never"


def _masked(token: ServiceAccountToken) -> str:
    secret = token.current_secret
    return f"{secret.prefix}…{secret.last_four}"
