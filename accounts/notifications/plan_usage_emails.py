"""Emails about an organization's plan usage."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from accounts import dates
from accounts.models import Organization
from accounts.notifications.email import Email, defang

# The page is of a later app's, and its address is fixed.
USAGE_PAGE = "/settings/usage/"


def plan_used(organization: Organization, day: dt.date, used: int, limit: int, *, exhausted: bool) -> Email:
    """The notice of an ``exhausted`` day, else the warning before."""
    name = defang(organization.name)
    share = f"{used * 100 // limit} %"
    if exhausted:
        subject = f"{name} has used up its plan for today"
        then = "Further requests are answered with 429, Rate limit exceeded, until the count starts again."
    else:
        subject = f"{name} has used {share} of its plan for today"
        then = "Once all are used, further requests are answered with 429 until the count starts again."
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
    return Email(
        subject,
        (f"The programs of {name} have made {used:,} of the {limit:,} requests of its day. {then}",),
        f"{settings.BASE_URL}{USAGE_PAGE}",
        "See who uses how much",
        ("People who are signed in are not counted, and go on working.",),
        (
            ("Plan", f"{defang(organization.plan.name)}, {limit:,} requests a day"),
            ("Day", f"{day.day} {day:%B %Y} (UTC)"),
            ("Starts again", dates.exactly(midnight)),
        ),
    )
