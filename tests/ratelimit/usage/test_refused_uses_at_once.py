"""Refused uses at the same instant: none is lost, with Redis or in SQL alone."""

from __future__ import annotations

from functools import partial

import pytest

from ratelimit.usage import refused_uses, reports
from tests.ratelimit.charges import ADDRESS, NOON, new_charge
from tests.support.threads import at_once

CROWD = 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backend")
def test_uses_at_once_are_all_counted() -> None:
    charge = new_charge()
    count = partial(refused_uses.count, charge.bucket, charge.subject, ADDRESS, now=NOON.timestamp())
    assert at_once([count] * CROWD) == [None] * CROWD
    found = reports.totals(charge.bucket, [charge.subject], now=NOON)[charge.subject]
    assert found.refused_uses.count == CROWD
