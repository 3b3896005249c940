"""Notices 14, 3 and 1 days before a token expires, once each, to every member who may manage tokens.

If several thresholds have passed since the last run, only the nearest one is sent. Thresholds before the
token's creation or renewal are not sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.models import ServiceAccountToken, TokenQuerySet
from tokens.notifications import emails
from tokens.notifications.token_created import MANAGE

DAYS = (14, 3, 1)
NEVER = Usage(calls=0, last_used_at=None, last_used_ip=None)


def find(now: datetime | None = None) -> None:
    """Store a notice for each active token past a threshold for which there is none yet."""
    now = now or timezone.now()
    notices.enqueue(
        Notice(
            organization_id=organization_id,
            kind=NoticeKind.TOKEN_EXPIRING,
            subject=pk,
            mark=str(days),
            created_at=now,
            claimed_until=now,
        )
        for days, nearer in pairwise((*DAYS, 0))
        for pk, organization_id in _due(now, days, nearer).values_list("pk", "organization_id")
    )


def forget(token: ServiceAccountToken) -> None:
    """Delete the notices of an expiry that was replaced, so that the new one is announced as well."""
    Notice.objects.filter(kind=NoticeKind.TOKEN_EXPIRING, subject=token.pk).delete()


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose one email for all tokens, except those revoked or expired meanwhile."""
    chosen = ServiceAccountToken.objects.filter(pk__in={one.subject for one in pending}, expires_at__gt=now)
    tokens = list(_running(chosen, now).prefetch_related("secrets").order_by("expires_at", "pk"))
    if tokens:
        used = reports.totals(organization.pk, [token.pk for token in tokens], now=now)
        rows = [(token, used.get(token.pk, NEVER)) for token in tokens]
        email = emails.expiring(organization, rows, now)
        yield Mailing(email, notices.receivers(organization.pk, wanted=MANAGE))


def _due(now: datetime, days: int, nearer: int) -> QuerySet[ServiceAccountToken]:
    """Return tokens with at most ``days`` and more than ``nearer`` days left, created before that."""
    ending = ServiceAccountToken.objects.filter(
        expires_at__gt=now + timedelta(days=nearer), expires_at__lte=now + timedelta(days=days)
    )
    notified = Notice.objects.filter(
        kind=NoticeKind.TOKEN_EXPIRING, subject=OuterRef("pk"), mark=Value(str(days), CharField())
    )
    running = Q(organization__suspended_at=None, organization__deleted_at=None)
    lived_longer = Q(expires_at__gt=Coalesce("renewed_at", "created_at") + timedelta(days=days))
    return _running(ending, now).filter(running, lived_longer, ~Exists(notified))


def _running(tokens: QuerySet[ServiceAccountToken], now: datetime) -> TokenQuerySet:
    return cast(TokenQuerySet, tokens).active(now)
