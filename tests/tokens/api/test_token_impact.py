"""GET /api/v1/tokens/{id}/impact."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tests.tokens.oauth.calls import make_program
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.issue import Issued


def impact(api: APIClient, issued: Issued) -> dict[str, object]:
    response = api.get(f"/api/v1/tokens/{issued.token.public_id}/impact")
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_it_has_the_figures_that_the_page_shows(api: APIClient, owner: Membership) -> None:
    used, child = make_token(owner, "used"), make_token(owner, "child")
    ServiceAccountToken.objects.filter(pk=child.token.pk).update(parent=used.token)
    OAuthClient.objects.filter(pk=make_program(owner).row.pk).update(parent=child.token)
    for _ in range(3):
        program(used).get("/api/auth/whoami")
    found = impact(api, used)
    record = api.get(f"/api/v1/tokens/{used.token.public_id}").json()
    today = timezone.now().date().isoformat()
    assert found == {
        "calls24h": 3,
        "calls7d": 3,
        "lastUsedAt": record["lastUsedAt"],
        "lastUsedIp": "127.0.0.1",
        "networks": [{"network": "127.0.0.0/24", "calls": 3, "lastUsedOn": today}],
        "children": {"tokens": 1, "clients": 1},
        "usedInLast7Days": True,
    }


def test_an_unused_token_affects_nothing(api: APIClient, owner: Membership) -> None:
    assert impact(api, make_token(owner)) == {
        "calls24h": 0,
        "calls7d": 0,
        "lastUsedAt": None,
        "lastUsedIp": None,
        "networks": [],
        "children": {"tokens": 0, "clients": 0},
        "usedInLast7Days": False,
    }


def test_a_token_is_in_use_while_a_program_that_ends_with_it_is(api: APIClient, owner: Membership) -> None:
    parent, child = make_token(owner, "parent"), make_token(owner, "child")
    ServiceAccountToken.objects.filter(pk=child.token.pk).update(parent=parent.token)
    program(child).get("/api/auth/whoami")
    found = impact(api, parent)
    assert (found["calls7d"], found["usedInLast7Days"]) == (0, True)
