"""What an organization's people are told of its plan."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from accounts.mails import Letter, unlinked
from accounts.models import Organization

# The page is of a later app's, and its address is fixed.
USAGE_PAGE = "/settings/usage/"


def plan_used(organization: Organization, day: dt.date, used: int, limit: int, *, spent: bool) -> Letter:
    """``spent`` says that nothing is left, else a warning that little is."""
    name = unlinked(organization.name)
    on = f"{day.day} {day:%B %Y}"
    share = f"{used * 100 // limit} %"
    if spent:
        subject = f"{name} has used up its plan for today"
        then = (
            "Until 00:00 UTC every further request of its programs is answered with 429, Rate limit exceeded."
        )
    else:
        subject = f"{name} has used {share} of its plan for today"
        then = "Once all are used, further requests are answered with 429 until 00:00 UTC."
    return Letter(
        subject,
        (f"{name} has made {used:,} of the {limit:,} requests that it may make on {on} (UTC). {then}",),
        f"{settings.BASE_URL}{USAGE_PAGE}",
        "See who uses how much",
        ("People's own sessions are not counted and go on working. This is told once a day.",),
        (("Plan", f"{unlinked(organization.plan.name)}, {limit:,} requests a day"), ("Used", share)),
    )
