"""Notices of refresh token reuse: to the organization's owners, and to the session's user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts import dates
from accounts.audit import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from tokens.models import Grant
from tokens.notifications import emails


def enqueue(grant: Grant, now: datetime) -> None:
    """Store the notice in the transaction that revokes the grant, before the audit chain is locked."""
    facts = {"address": request_context.current().address, "at": dates.exactly(now)}
    notices.enqueue(
        [
            Notice(
                organization_id=grant.organization_id,
                kind=NoticeKind.REFRESH_REUSED,
                subject=grant.pk,
                facts=facts,
                created_at=now,
                claimed_until=now,
            )
        ]
    )


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose separate emails for each grant. An owner gets no second one about their own session."""
    facts = {one.subject: one.facts for one in pending}
    grants = Grant.objects.filter(pk__in=facts).select_related("organization", "user", "client")
    owners = notices.receivers(organization.pk, Role.OWNER)
    for grant in grants.order_by("pk"):
        person = grant.user.email if grant.user and grant.user.is_active else ""
        if person:
            yield Mailing(emails.reused_to_person(grant, facts[grant.pk]), [person])
        others = [owner for owner in owners if owner != person]
        yield Mailing(emails.reused_to_owners(grant, facts[grant.pk]), others)
