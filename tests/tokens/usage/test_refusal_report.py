"""Refused requests by reason: exact sums and causes, and the limits and permissions of the statistics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratelimit.models import DailyStatistics, DailyUsage
from ratelimit.types import LimitRequest
from ratelimit.usage import refused_uses
from tests.ratelimit.limit_requests import ADDRESS, NOON, hit, new_limit_request
from tokens.credentials.allowed_addresses import CAUSE_ADDRESS
from tokens.credentials.token_lookup import cause_of_pause, cause_of_secret
from tokens.usage.refusals import CAUSES, DAYS_KEPT, LIMITS, Reason, refusals

pytestmark = pytest.mark.django_db
TODAY = NOON.date()


def seen(limit_request: LimitRequest, **counts: int) -> None:
    at = round(NOON.timestamp() * 1000)
    DailyStatistics.objects.create(
        bucket=limit_request.bucket,
        subject=limit_request.subject,
        day=TODAY,
        refusals={name: [count, at, at] for name, count in counts.items()},
    )


def found(limit_request: LimitRequest, days: int = 30) -> list[Reason]:
    return refusals(limit_request.bucket, TODAY - timedelta(days=days - 1), TODAY, NOON)


def test_limits_and_permissions_are_statistics_and_uses_of_secrets_are_exact() -> None:
    limit_request = new_limit_request(0)
    for _ in range(6):
        hit(limit_request)
    seen(limit_request, daily=3, token=2, burst=1, other=7, permission=4)
    causes = (cause_of_secret(1), cause_of_secret(2), cause_of_pause(NOON), CAUSE_ADDRESS, "")
    for cause in causes:
        refused_uses.count(limit_request.bucket, limit_request.subject, ADDRESS, cause, now=NOON.timestamp())
    assert found(limit_request) == [
        Reason("Over the plan’s daily limit", 3, is_exact=False),
        Reason("Over a token’s own daily limit", 2, is_exact=False),
        Reason("Over the limit per minute", 1, is_exact=False),
        Reason("Over the limit of one action", 7, is_exact=False),
        Reason("Without the permission (403)", 4, is_exact=False),
        Reason("Token was paused", 1, is_exact=True),
        Reason("Old secret after a rotation", 2, is_exact=True),
        Reason("Address was not allowed", 1, is_exact=True),
        Reason("Revoked, expired or wrong secret", 1, is_exact=True),
    ]


def test_calls_over_a_limit_that_statistics_lack_are_not_lost() -> None:
    limit_request = new_limit_request(0)
    for _ in range(5):
        hit(limit_request)
    seen(limit_request, daily=3)
    assert [(reason.label, reason.count) for reason in found(limit_request)] == [
        (LIMITS["daily"], 3),
        ("Over a limit that was not recorded", 2),
    ]


def test_nothing_refused_is_no_reason() -> None:
    assert found(new_limit_request()) == []


def test_days_before_the_kept_ones_are_left_out() -> None:
    limit_request = new_limit_request()
    for days in (DAYS_KEPT - 1, DAYS_KEPT):
        DailyUsage.objects.create(
            bucket=limit_request.bucket,
            subject=limit_request.subject,
            day=TODAY - timedelta(days=days),
            refused_uses=1,
        )
    assert [reason.count for reason in found(limit_request, days=365)] == [1]


def test_every_cause_has_a_label() -> None:
    causes = (cause_of_secret(1), cause_of_pause(NOON), CAUSE_ADDRESS)
    assert {cause.partition(":")[0] for cause in causes} == CAUSES.keys()
