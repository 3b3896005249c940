"""Announcements of the end of unused tokens, 7 days ahead.

They go to the responsible member, owners and admins. A use after the announcement makes it void. So does a
change of the policy, or a suspension: both delete it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.authorization.policies import LEAST_UNUSED_DAYS
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from ratelimit.usage import reports
from tokens.models import ServiceAccountToken, Status, TokenQuerySet
from tokens.notifications import unused_emails
from tokens.notifications.unused_emails import UnusedToken

AHEAD = timedelta(days=7)
# How long an announcement is valid after its due time. Redis keeps uncopied usage for eight days: after a
# longer outage of housekeeping a use may be lost, so that the token is announced again.
LATEST = timedelta(days=1)


def find(now: datetime | None = None) -> None:
    """Store an announcement for each token whose unused days end within a week. Run it periodically."""
    now = now or timezone.now()
    limited = Organization.objects.filter(unused_tokens_revoked_after_days__isnull=False)
    for organization in limited.filter(suspended_at=None, deleted_at=None).order_by("pk"):
        notices.enqueue(_due_soon(organization, now))


def announced(organization_id: UUID, now: datetime) -> dict[UUID, datetime]:
    """Return by token when its end was announced, without announcements that are too old to be valid."""
    return _at(Notice.objects.filter(organization_id=organization_id), now)


def due(organization_id: UUID, now: datetime) -> dict[UUID, datetime]:
    """Return those whose emails were written into the outbox at least 7 days ago."""
    return _at(Notice.objects.filter(organization_id=organization_id, sent_at__lte=now - AHEAD), now)


def organizations_due(now: datetime) -> list[UUID]:
    """Return the organizations with due announcements."""
    found = _valid(Notice.objects.filter(sent_at__lte=now - AHEAD), now)
    return list(found.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def revocation_times(
    organization_id: UUID, last_uses: Mapping[ServiceAccountToken, datetime | None], now: datetime
) -> dict[UUID, datetime]:
    """Return by token when those announced will be revoked. No query if all tokens were used lately."""
    latest = now - timedelta(days=LEAST_UNUSED_DAYS) + AHEAD
    if not any(token.unused_since(used) <= latest for token, used in last_uses.items()):
        return {}
    at = announced(organization_id, now)
    found = {
        token.pk: _revocation_at(token, used, at.get(token.pk), now) for token, used in last_uses.items()
    }
    return {pk: moment for pk, moment in found.items() if moment is not None}


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose one email to owners and admins, and one to each other responsible member about their tokens."""
    ending = list(_still_unused(organization, {one.subject: one.created_at for one in pending}, now))
    if not ending:
        return
    managers = notices.receivers(organization.pk, Role.OWNER, Role.ADMIN)
    yield Mailing(unused_emails.unused(organization, ending), managers)
    of_member: dict[str, list[UnusedToken]] = defaultdict(list)
    for one in ending:
        if one.token.responsible is not None:
            of_member[one.token.responsible.user.email].append(one)
    for email, own in of_member.items():
        if email not in managers:
            yield Mailing(unused_emails.unused(organization, own), [email])


def _due_soon(organization: Organization, now: datetime) -> Iterator[Notice]:
    latest = now + AHEAD - timedelta(days=organization.unused_tokens_revoked_after_days or 0)
    tokens = running(organization.pk, now).filter(created_at__lte=latest)
    used, before = reports.last_uses(organization.pk, now=now), announced(organization.pk, now)
    for token in tokens:
        since = token.unused_since(used.get(token.pk))
        if since <= latest and not since < before.get(token.pk, since):
            yield Notice(
                organization=organization,
                kind=NoticeKind.TOKEN_UNUSED,
                subject=token.pk,
                # By day, so that of several processes one sends it.
                mark=(now + AHEAD).astimezone(UTC).date().isoformat(),
                created_at=now,
                claimed_until=now,
            )


def _still_unused(
    organization: Organization, announced_at: dict[UUID, datetime], now: datetime
) -> Iterator[UnusedToken]:
    used = reports.last_uses(organization.pk, now=now)
    tokens = running(organization.pk, now).filter(pk__in=announced_at).select_related("responsible__user")
    for token in tokens.order_by("pk"):
        last_used_at = used.get(token.pk)
        if at := _revocation_at(token, last_used_at, announced_at[token.pk], now):
            yield UnusedToken(token, last_used_at, at)


def running(organization_id: UUID, now: datetime) -> TokenQuerySet:
    """Return the active tokens that are not paused: a paused one cannot be used, and is left alone."""
    found: TokenQuerySet = ServiceAccountToken.objects.filter(organization_id=organization_id)
    paused = Q(paused_at__isnull=False, resumed_at=None) & (Q(paused_until=None) | Q(paused_until__gt=now))
    return found.active(now).exclude(paused).prefetch_related("secrets")


def _valid(found: QuerySet[Notice], now: datetime) -> QuerySet[Notice]:
    return found.filter(kind=NoticeKind.TOKEN_UNUSED, created_at__gt=now - AHEAD - LATEST)


def _at(found: QuerySet[Notice], now: datetime) -> dict[UUID, datetime]:
    return dict(_valid(found, now).order_by("created_at").values_list("subject", "created_at"))


def _revocation_at(
    token: ServiceAccountToken, last_used_at: datetime | None, at: datetime | None, now: datetime
) -> datetime | None:
    """Return when a token announced at ``at`` will be revoked; None if it ended, was used or is paused."""
    status = token.status(now)
    if at is None or status not in (Status.ACTIVE, Status.EXPIRING) or token.unused_since(last_used_at) >= at:
        return None
    return at + AHEAD
