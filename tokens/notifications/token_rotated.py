"""Notices of rotations and cancellations to every active member who may manage tokens, as of a creation.

The member who rotates is mailed as well, because an attacker may rotate tokens in a stolen session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from accounts import dates
from accounts.audit import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.actor import SYSTEM, Actor
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.notifications import rotation_emails
from tokens.notifications.token_created import MANAGE


def enqueue(
    token: ServiceAccountToken,
    actor: Actor,
    now: datetime,
    *,
    secret: TokenSecret,
    previous: TokenSecret,
    until: datetime,
) -> None:
    """Store the notice in the rotation's transaction, before the audit chain is locked."""
    if actor.type != SYSTEM.type:
        ends = dates.exactly(until) if until > now else ""
        facts = _facts(actor, now, secret, previous) | {"ends": ends}
        _store(token, str(secret.pk), facts, now)


def enqueue_cancellation(
    token: ServiceAccountToken, actor: Actor, now: datetime, *, secret: TokenSecret, previous: TokenSecret
) -> None:
    """Store the notice that the rotation which created ``secret`` was cancelled, in its transaction."""
    _store(token, f"{secret.pk} cancelled", _facts(actor, now, secret, previous), now)


def _facts(actor: Actor, now: datetime, secret: TokenSecret, previous: TokenSecret) -> dict[str, Any]:
    return {
        "by": actor.name,
        "type": actor.type,
        "address": request_context.current().address,
        "at": dates.exactly(now),
        "previous": previous.last_four,
        "current": secret.last_four,
    }


def _store(token: ServiceAccountToken, mark: str, facts: dict[str, Any], now: datetime) -> None:
    notices.enqueue(
        [
            Notice(
                organization_id=token.organization_id,
                kind=NoticeKind.TOKEN_ROTATED,
                subject=token.pk,
                mark=mark,
                facts=facts,
                created_at=now,
                claimed_until=now,
            )
        ]
    )


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose one email for all rotations, and one for all cancellations, whose facts have no end."""
    tokens = ServiceAccountToken.objects.in_bulk({one.subject for one in pending})
    found = [(tokens[one.subject], one.facts) for one in pending if one.subject in tokens]
    receivers = notices.receivers(organization.pk, wanted=MANAGE)
    if rotated := [(token, facts) for token, facts in found if "ends" in facts]:
        yield Mailing(rotation_emails.rotated(organization, rotated), receivers)
    if cancelled := [(token, facts) for token, facts in found if "ends" not in facts]:
        yield Mailing(rotation_emails.cancelled(organization, cancelled), receivers)
