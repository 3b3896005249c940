"""Notices that an OAuth client was created, to every active member who may manage clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts.audit import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.actor import SYSTEM, Actor
from tokens.models import OAuthClient
from tokens.notifications import emails

MANAGE = "clients.manage"


def enqueue(client: OAuthClient, actor: Actor, now: datetime) -> None:
    """Store the notice in the client's transaction, before the audit chain is locked. Commands send none."""
    if actor.type == SYSTEM.type:
        return
    facts = {"by": actor.name, "type": actor.type, "address": request_context.current().address}
    notice = Notice(
        organization_id=client.organization_id,
        kind=NoticeKind.CLIENT_CREATED,
        subject=client.pk,
        facts=facts,
        created_at=now,
        claimed_until=now,
    )
    notices.enqueue([notice])


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    facts = {one.subject: one.facts for one in pending}
    for client in OAuthClient.objects.filter(pk__in=facts).order_by("pk"):
        email = emails.client_created(organization, client, facts[client.pk])
        yield Mailing(email, notices.receivers(organization.pk, wanted=MANAGE))
