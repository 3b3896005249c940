"""When each token of an organization was used last: what SQL keeps and what the store has counted since."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from ratelimit.models import DailyUsage
from ratelimit.usage import reports
from tests.support.clients import program
from tests.support.people import make_token


def kept(bucket, subject, days_ago: int) -> None:
    """A day that has been drained."""
    at = timezone.now() - timedelta(days=days_ago)
    DailyUsage.objects.create(bucket=bucket, subject=subject, day=at.date(), calls=1, last_used_at=at)


def test_the_newest_of_either_counts_and_the_unused_are_left_out(owner):
    live, drained, both = (make_token(owner, name) for name in ("live", "drained", "both"))
    make_token(owner, "unused")
    bucket = owner.organization_id
    for days_ago in (9, 3, 5):
        kept(bucket, drained.token.pk, days_ago)
    kept(bucket, both.token.pk, 2)
    for issued in (live, both):
        assert program(issued).get("/api/auth/whoami").status_code == 200
    now = timezone.now()
    found = {subject: (now - at).days for subject, at in reports.last_uses(bucket).items()}
    assert found == {live.token.pk: 0, drained.token.pk: 3, both.token.pk: 0}


def test_other_organizations_are_not_asked_about(owner):
    issued = make_token(owner)
    kept(issued.token.pk, issued.token.pk, 1)
    assert reports.last_uses(owner.organization_id) == {}


def test_it_takes_one_statement(owner, django_assert_num_queries):
    make_token(owner)
    with django_assert_num_queries(1):
        reports.last_uses(owner.organization_id)
