"""Notices of new tokens to every active member who may manage tokens.

The creator is mailed as well, because an attacker may create tokens in a stolen session. Commands send no
notice, because running them requires access to the server. The request stores the notice in its own
transaction and does not wait for the mail server; tokens created within one round share an email.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts.audit import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.actor import SYSTEM, Actor
from tokens.models import ServiceAccountToken
from tokens.notifications import emails

MANAGE = "tokens.manage"


def enqueue(token: ServiceAccountToken, actor: Actor, now: datetime) -> None:
    """Store the notice in the token's transaction, before the audit chain is locked."""
    if actor.type == SYSTEM.type:
        return
    facts = {"by": actor.name, "type": actor.type, "address": request_context.current().address}
    notices.enqueue(
        [
            Notice(
                organization_id=token.organization_id,
                kind=NoticeKind.TOKEN_CREATED,
                subject=token.pk,
                facts=facts,
                created_at=now,
                claimed_until=now,
            )
        ]
    )


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    facts = {one.subject: one.facts for one in pending}
    tokens = ServiceAccountToken.objects.filter(pk__in=facts).prefetch_related("secrets").order_by("pk")
    if created := [(token, facts[token.pk]) for token in tokens]:
        email = emails.created(organization, created)
        yield Mailing(email, notices.receivers(organization.pk, wanted=MANAGE))
