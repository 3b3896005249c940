"""Counts at the same instant: none is lost, with Redis or in SQL alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from ratelimit.sql.usage_details import ADDRESSES_PER_CAUSE
from ratelimit.types import LimitRequest
from ratelimit.usage import refused_uses, reports
from ratelimit.usage.refused_uses import RefusedAddress
from ratelimit.usage.reports import KeyUsage
from tests.ratelimit.limit_requests import NOON, hit, new_limit_request
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backend")]
CROWD = 8
CAUSE = "address"


def refuse(limit_request: LimitRequest, address: str) -> None:
    refused_uses.count(limit_request.bucket, limit_request.subject, address, CAUSE, now=NOON.timestamp())


def test_refused_uses_are_all_counted_within_the_most_addresses() -> None:
    limit_request = new_limit_request()
    for number in range(ADDRESSES_PER_CAUSE - 1):
        refuse(limit_request, f"192.0.2.{number}")
    tasks = [partial(refuse, limit_request, f"198.51.100.{number}") for number in range(CROWD)]
    assert at_once(tasks) == [None] * CROWD
    found = refused_uses.by_address(limit_request.bucket, limit_request.subject, CAUSE, now=NOON)
    assert found[0] == RefusedAddress("", CROWD - 1, NOON)
    assert len(found) == ADDRESSES_PER_CAUSE + 1
    totals = reports.totals(limit_request.bucket, [limit_request.subject], now=NOON)
    assert totals[limit_request.subject].refused_uses.count == ADDRESSES_PER_CAUSE - 1 + CROWD


def test_calls_with_a_key_are_all_counted() -> None:
    limit_request = new_limit_request(100)
    tasks = [partial(hit, replace(limit_request, key=key)) for key in (1, 2) * CROWD]
    assert all(getattr(one, "admitted", one) is True for one in at_once(tasks))
    found = reports.by_key(limit_request.bucket, limit_request.subject, now=NOON)
    assert found == {1: KeyUsage(CROWD, NOON), 2: KeyUsage(CROWD, NOON)}
