"""Notices of paused tokens to every active member who may manage tokens, except the person who paused it.

Pauses by the same person within one round share an email. A change of a pause sends no further notice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts import dates
from accounts.audit import request_context
from accounts.models import Organization, User
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.actor import Actor
from tokens.models import ServiceAccountToken
from tokens.notifications import pause_emails
from tokens.notifications.emails import TokenWithFacts
from tokens.notifications.token_created import MANAGE


def enqueue(token: ServiceAccountToken, actor: Actor, now: datetime) -> None:
    """Store the notice in the pause's transaction, before the audit chain is locked."""
    facts = {
        "by": actor.name,
        "type": actor.type,
        "person": str(actor.user_id) if actor.type == "user" else "",
        "address": request_context.current().address,
        "at": dates.exactly(now),
        "until": dates.exactly(token.paused_until) if token.paused_until else "",
        "reason": token.paused_reason,
    }
    notices.enqueue(
        [
            Notice(
                organization_id=token.organization_id,
                kind=NoticeKind.TOKEN_PAUSED,
                subject=token.pk,
                mark=str(int(now.timestamp() * 1000)),
                facts=facts,
                created_at=now,
                claimed_until=now,
            )
        ]
    )


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    tokens = ServiceAccountToken.objects.prefetch_related("secrets").in_bulk({one.subject for one in pending})
    by_actor: dict[tuple[str, str], list[TokenWithFacts]] = defaultdict(list)
    for one in (one for one in pending if one.subject in tokens):
        by_actor[one.facts["person"], one.facts["by"]].append((tokens[one.subject], one.facts))
    receivers = notices.receivers(organization.pk, wanted=MANAGE)
    for (person, _), paused in by_actor.items():
        own = list(User.objects.filter(pk=person).values_list("email", flat=True)) if person else []
        to = [address for address in receivers if address not in own]
        yield Mailing(pause_emails.paused(organization, paused), to)
