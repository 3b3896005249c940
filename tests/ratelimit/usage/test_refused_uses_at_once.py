"""Refused uses at the same instant: none is lost, with Redis or in SQL alone."""

from __future__ import annotations

from functools import partial

import pytest

from ratelimit.usage import refused_uses, reports
from tests.ratelimit.limit_requests import ADDRESS, NOON, new_limit_request
from tests.support.threads import at_once

CROWD = 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backend")
def test_uses_at_once_are_all_counted() -> None:
    limit_request = new_limit_request()
    count = partial(
        refused_uses.count, limit_request.bucket, limit_request.subject, ADDRESS, now=NOON.timestamp()
    )
    assert at_once([count] * CROWD) == [None] * CROWD
    found = reports.totals(limit_request.bucket, [limit_request.subject], now=NOON)[limit_request.subject]
    assert found.refused_uses.count == CROWD
