"""Notices at 80 % and 100 % of a daily limit: one for each organization, day and threshold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices, plan_usage_emails
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from ratelimit.usage import reports

WARNING, EXHAUSTED = 80, 100


def find(now: dt.datetime | None = None) -> None:
    """Enqueue a notice for each organization whose usage is past a threshold today.

    Usage never exceeds the reservation in SQL, so Redis is asked only about organizations whose
    reservation is past the threshold.
    """
    now = now or timezone.now()
    day = now.astimezone(dt.UTC).date()
    found = []
    for organization in _near(day):
        limit = organization.effective_requests_per_day
        if limit is None:
            continue
        used = reports.today(organization.pk, limit, now=now).used
        passed = [threshold for threshold in (WARNING, EXHAUSTED) if used * 100 >= threshold * limit]
        found += [
            Notice(
                organization=organization,
                kind=NoticeKind.PLAN_USED,
                subject=organization.pk,
                mark=_mark(day, threshold),
                facts={"day": day.isoformat(), "threshold": threshold, "used": used, "limit": limit},
                created_at=now,
                claimed_until=now,
            )
            for threshold in passed
        ]
    notices.enqueue(found)


def compose(organization: Organization, pending: Sequence[Notice], now: dt.datetime) -> Iterator[Mailing]:
    """Write one mail to owners and admins, about the last day's highest threshold."""
    if organization.effective_requests_per_day is None:
        return
    last = max((one.facts for one in pending), key=lambda facts: (facts["day"], facts["threshold"]))
    email = plan_usage_emails.plan_used(
        organization,
        dt.date.fromisoformat(last["day"]),
        last["used"],
        last["limit"],
        exhausted=last["threshold"] == EXHAUSTED,
    )
    yield Mailing(email, notices.receivers(organization.pk, Role.OWNER, Role.ADMIN))


def _near(day: dt.date) -> QuerySet[Organization]:
    """Active organizations that have reserved 80 % of their day and were not sent the 100 % notice."""
    sent = Notice.objects.filter(
        kind=NoticeKind.PLAN_USED, subject=OuterRef("pk"), mark=_mark(day, EXHAUSTED)
    )
    running = Organization.objects.filter(suspended_at=None, deleted_at=None)
    return running.near_daily_limit(day, WARNING).filter(~Exists(sent)).select_related("plan")


def _mark(day: dt.date, threshold: int) -> str:
    return f"{day.isoformat()} {threshold}"
