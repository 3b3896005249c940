"""Guarantees of the revocation of unused tokens: no announcement, no revocation; use and cost."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.notifications import outbox
from ratelimit.usage import reports
from tests.support.clients import program
from tests.support.people import make_member, make_organization
from tests.support.threads import at_once
from tests.tokens.service_accounts.many import make_many
from tests.tokens.service_accounts.unused import (
    ANNOUNCED,
    DAY,
    DAYS,
    DUE,
    SECOND,
    START,
    housekeeping_at,
    made_at,
    used_at,
)
from tokens.models import ServiceAccountToken
from tokens.notifications import dispatch, token_unused
from tokens.service_accounts.idle import BATCH, revoke_unused

pytestmark = pytest.mark.django_db
QUERIES = 25


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rounds=st.lists(st.integers(0, 120), max_size=12).map(sorted),
    uses=st.sets(st.integers(0, 120), max_size=3),
    mailing=st.booleans(),
)
def test_no_token_is_revoked_without_an_announcement_at_least_seven_days_old(
    rounds: list[int], uses: set[int], mailing: bool
) -> None:
    ServiceAccountToken.objects.all().delete()
    owner = make_member(make_organization(unused_tokens_revoked_after_days=30))
    made = made_at(START, owner)
    last_use, mailed = START, list[datetime]()
    for number in rounds:
        now = START + number * DAY
        for use in sorted(use for use in uses if last_use < START + use * DAY <= now):
            last_use = START + use * DAY
            used_at(last_use, made)
        before = len(mail.outbox)
        token_unused.find(now)
        revoked = revoke_unused(now)
        if revoked:
            assert any(last_use < at <= now - 7 * DAY for at in mailed)
            assert now - last_use >= 30 * DAY
            return
        if mailing:
            dispatch.enqueue(now)
            outbox.deliver(now=now)
        mailed += [now] * (len(mail.outbox) - before)


@pytest.mark.parametrize("count", [3, 300])
def test_an_organization_costs_the_same_queries_for_any_number_of_tokens(
    count: int,
) -> None:
    owner = make_member(make_organization(unused_tokens_revoked_after_days=DAYS))
    with time_machine.travel(START, tick=False):
        make_many(owner, count)
    with CaptureQueriesContext(connection) as found:
        token_unused.find(ANNOUNCED)
    assert len(found) == 6
    dispatch.enqueue(ANNOUNCED)
    with CaptureQueriesContext(connection) as found:
        assert revoke_unused(DUE) == min(count, BATCH)
    assert len(found) == QUERIES
    while revoke_unused(DUE):
        """Revoke the other batches."""
    assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_of_a_use_and_the_revocation_at_once_both_orders_are_kept() -> None:
    """A use counted before the usage is read keeps the token, and a refused use was not counted."""
    for _ in range(5):
        owner = make_member(make_organization(unused_tokens_revoked_after_days=30))
        due = timezone.now()
        made = made_at(due - 30 * DAY, owner)
        housekeeping_at(due - 7 * DAY)
        call = partial(lambda made: program(made).get("/api/v1/identity").status_code, made)
        status, revoked = at_once([call, lambda due=due: revoke_unused(due + SECOND)])
        used = reports.totals(owner.organization_id, [made.token.pk])[made.token.pk].calls
        assert (status, used) in ((200, 1), (401, 0))
        if status == 401:
            assert revoked == 1
        assert program(made).get("/api/v1/identity").status_code == (401 if revoked else 200)
