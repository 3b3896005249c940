"""A token was made: told to every active member who may manage tokens, whoever made it.

The maker is told as well: a session in the wrong hands makes tokens in its owner's name. What a command makes
is told to nobody: whoever runs commands has the server. The request owes the notice in its own transaction
and waits for no mail server; tokens made within one round share a mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.actor import SYSTEM, Actor
from tokens.models import ServiceAccountToken
from tokens.notifications import emails

MANAGE = "tokens.manage"


def enqueue(token: ServiceAccountToken, actor: Actor, now: datetime) -> None:
    """Call it in the token's transaction, before the audit log's end is locked."""
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
    if made := [(token, facts[token.pk]) for token in tokens]:
        email = emails.created(organization, made)
        yield Mailing(email, notices.receivers(organization.pk, wanted=MANAGE))
