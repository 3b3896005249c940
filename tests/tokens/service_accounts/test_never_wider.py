"""No sequence of changes lets a token do more, or end later, than before."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import hypothesis
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from accounts.drf.fields import instant
from accounts.models import Membership
from accounts.permissions.scopes import ScopeSet
from tests.support.clients import program
from tests.support.people import make_member, make_organization, make_plan, make_token
from tokens.models import ServiceAccountToken

SEGMENTS = (("index", "events", "*"), ("read", "write", "admin", "*"), ("1", "2", "*"))
PERMISSIONS = st.lists(st.sampled_from([":".join(one) for one in product(*SEGMENTS)]), min_size=1, max_size=4)
DAYS = st.none() | st.floats(min_value=-1, max_value=400)
CHANGES = st.fixed_dictionaries({}, optional={"permissions": PERMISSIONS, "days": DAYS})
# Concrete permissions, of which each of the above covers some.
CONCRETE = [
    ":".join(one) for one in product(("index", "events", "x"), ("read", "write", "admin"), ("1", "2", "3"))
]


@pytest.fixture
def unlimited(db: None) -> Membership:
    return make_member(make_organization(plan=make_plan("unlimited", None)))


def allowed(token: ServiceAccountToken) -> set[str]:
    scopes = ScopeSet.of(token.permissions)
    return {text for text in CONCRETE if scopes.allows(text)}


def end_of(token: ServiceAccountToken) -> datetime:
    return token.expires_at or timezone.now() + timedelta(days=10_000)


def body_of(change: dict[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in change.items() if name == "permissions"}
    if "days" in change:
        days = change["days"]
        body["expiresAt"] = None if days is None else instant(timezone.now() + timedelta(days=days))
    return body


@hypothesis.settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=PERMISSIONS, days=st.none() | st.integers(1, 365), changes=st.lists(CHANGES, max_size=5))
def test_no_sequence_of_changes_widens_a_token(
    unlimited: Membership, first: list[str], days: int | None, changes: list[dict[str, Any]]
) -> None:
    ServiceAccountToken.objects.update(revoked_at=timezone.now())
    token = make_token(unlimited, permissions=first, expires_in_days=days).token
    manager = program(make_token(unlimited, permissions=["*:*:*"]))
    for change in changes:
        body = body_of(change)
        before = ServiceAccountToken.objects.get(pk=token.pk)
        answer = manager.patch(f"/api/v1/tokens/{token.public_id}", body)
        after = ServiceAccountToken.objects.get(pk=token.pk)
        assert allowed(after) <= allowed(before)
        assert end_of(after) <= end_of(before)
        if answer.status_code == 200:
            assert set(after.permissions) == set(body.get("permissions", before.permissions))
            assert instant(after.expires_at) == body.get("expiresAt", instant(before.expires_at))
        else:
            assert answer.status_code == 400
            assert (after.permissions, after.expires_at) == (before.permissions, before.expires_at)
