"""Notices of rotations to every active member who may manage tokens, as of a token's creation.

The member who rotates is mailed as well, because an attacker may rotate tokens in a stolen session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

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
    if actor.type == SYSTEM.type:
        return
    facts = {
        "by": actor.name,
        "type": actor.type,
        "address": request_context.current().address,
        "at": dates.exactly(now),
        "previous": previous.last_four,
        "current": secret.last_four,
        "ends": dates.exactly(until) if until > now else "",
    }
    notices.enqueue(
        [
            Notice(
                organization_id=token.organization_id,
                kind=NoticeKind.TOKEN_ROTATED,
                subject=token.pk,
                mark=str(secret.pk),
                facts=facts,
                created_at=now,
                claimed_until=now,
            )
        ]
    )


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose one email for all rotations."""
    tokens = ServiceAccountToken.objects.in_bulk({one.subject for one in pending})
    if rotated := [(tokens[one.subject], one.facts) for one in pending if one.subject in tokens]:
        email = rotation_emails.rotated(organization, rotated)
        yield Mailing(email, notices.receivers(organization.pk, wanted=MANAGE))
