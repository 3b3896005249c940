"""80 % and 100 % of a day's plan that has a limit: told once an organization, day and threshold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.db.models import Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices, plan_usage_emails
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from ratelimit.models import Reservation
from ratelimit.usage import reports

WARNING, SPENT = 80, 100


def find(now: dt.datetime | None = None) -> None:
    """Owe a notice to each organization that is past a threshold today, by the counters as they are now.

    What is used never lies above what SQL has given out, so that only those whose reservation is past the
    threshold need be asked about in the store.
    """
    now = now or timezone.now()
    day = now.astimezone(dt.UTC).date()
    found = []
    for organization in _near(day):
        limit = organization.daily_limit
        if limit is None:
            continue
        used = reports.today(organization.pk, limit, now=now).used
        passed = [threshold for threshold in (WARNING, SPENT) if used * 100 >= threshold * limit]
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
    notices.owe(found)


def compose(organization: Organization, owed: Sequence[Notice], now: dt.datetime) -> Iterator[Mailing]:
    """To owners and admins; of several thresholds of a day the greatest alone."""
    if organization.daily_limit is None:
        return
    last = max((one.facts for one in owed), key=lambda facts: (facts["day"], facts["threshold"]))
    letter = plan_usage_emails.plan_used(
        organization,
        dt.date.fromisoformat(last["day"]),
        last["used"],
        last["limit"],
        spent=last["threshold"] == SPENT,
    )
    yield Mailing(letter, notices.receivers(organization.pk, Role.OWNER, Role.ADMIN))


def _near(day: dt.date) -> QuerySet[Organization]:
    """Limited organizations that run, with a warning's worth given out and not told of the day's end yet."""
    of_day = Reservation.objects.filter(bucket=OuterRef("pk"), day=day).values("reserved")
    told = Notice.objects.filter(kind=NoticeKind.PLAN_USED, subject=OuterRef("pk"), mark=_mark(day, SPENT))
    per_day = Coalesce(F("requests_per_day"), F("plan__requests_per_day"))
    reserved = Coalesce(Subquery(of_day), Value(0), output_field=IntegerField())
    running = Organization.objects.filter(suspended_at=None, deleted_at=None)
    chosen = running.annotate(per_day=per_day, reserved=reserved).filter(~Exists(told), per_day__gt=0)
    return chosen.filter(reserved__gte=F("per_day") * WARNING / 100).select_related("plan")


def _mark(day: dt.date, threshold: int) -> str:
    return f"{day.isoformat()} {threshold}"
