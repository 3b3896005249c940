"""Notices to an organization's members: each is mailed once, several of a kind in one mail.

A Notice row is unique, so that processes that find the same thing at once enqueue it once. Housekeeping
writes the mails into the outbox, in the transaction that marks the notices as sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import outbox
from accounts.notifications.email import Email
from accounts.permissions.roles import Role

# Older notices are marked as sent without a mail.
NEWS_FOR = timedelta(days=3)
# Longer than any notice is sent before its event, so that no event gets a second notice.
KEPT = timedelta(days=30)
MOST_RECEIVERS = 100


@dataclass(frozen=True, slots=True)
class Mailing:
    """An email and its recipients, who each get their own copy."""

    email: Email
    to: Sequence[str]


Compose = Callable[[Organization, Sequence[Notice], datetime], Iterable[Mailing]]


def enqueue(notices: Iterable[Notice]) -> None:
    """Store the notices to be sent; one that is stored already changes nothing."""
    # All processes insert in the same order, to avoid deadlocks.
    ordered = sorted(notices, key=lambda one: (one.kind, one.subject, one.mark))
    Notice.objects.bulk_create(ordered, ignore_conflicts=True)


def withdraw(organization_id: UUID, kind: NoticeKind) -> None:
    """Delete an organization's notices of a kind, sent or not, because their facts do not hold any more."""
    Notice.objects.filter(organization_id=organization_id, kind=kind).delete()


def receivers(organization_id: UUID, *roles: Role, wanted: str = "") -> list[str]:
    """The addresses of active members who have one of the roles, any if none is named, and hold ``wanted``.

    Owners come first, then the members who joined earliest; at most MOST_RECEIVERS.
    """
    members = Membership.objects.active().filter(organization_id=organization_id).select_related("user")
    members = members.filter(role__in=roles) if roles else members
    holding = [one for one in members.order_by("joined_at", "pk") if not wanted or one.scopes.allows(wanted)]
    holding.sort(key=lambda one: one.role != Role.OWNER)
    return [one.user.email for one in holding[:MOST_RECEIVERS]]


def enqueue_due(composers: Mapping[str, Compose], *, now: datetime | None = None) -> None:
    """Write the due mails into the outbox, one for each organization, kind and receiver."""
    now = now or timezone.now()
    due = Notice.objects.due(now).filter(kind__in=composers)
    groups = due.order_by("organization_id", "kind").values_list("organization_id", "kind").distinct()
    for organization_id, kind in list(groups):
        _enqueue(organization_id, kind, composers[kind], now)


def prune(now: datetime) -> int:
    """Delete old notices, sent or not; return how many."""
    return Notice.objects.filter(created_at__lt=now - KEPT).delete()[0]


@transaction.atomic
def _enqueue(organization_id: UUID, kind: str, compose: Compose, now: datetime) -> None:
    locked = _lock(organization_id, kind, now)
    fresh = [one for one in locked if one.created_at > now - NEWS_FOR]
    if fresh and fresh[0].organization.deleted_at is None:
        for email, to in [(one.email, one.to) for one in compose(fresh[0].organization, fresh, now)]:
            outbox.enqueue_for_housekeeping(email, to, now=now)
    Notice.objects.filter(pk__in=[one.pk for one in locked]).update(sent_at=now)


def _lock(organization_id: UUID, kind: str, now: datetime) -> list[Notice]:
    """The due notices of one mail; another process waits for these rows, and then finds them sent."""
    due = Notice.objects.due(now).filter(organization_id=organization_id, kind=kind)
    pks = list(due.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    return list(Notice.objects.filter(pk__in=pks).select_related("organization__plan").order_by("pk"))
