"""Which requests the statistics have, and of each its permissions, network, route and refusal."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from accounts.resources import indexes
from ratelimit.statistics import reports
from ratelimit.statistics.counts import Names, Statistics
from ratelimit.statistics.observations import gatherer
from ratelimit.usage import reports as usage
from tests.support.clients import program
from tests.support.people import browser_of, make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
VERIFY = "/api/auth/verify"
WHOAMI = "/api/auth/whoami"


def statistics(owner: Membership, subject: UUID) -> Statistics:
    gatherer.flush()
    now = timezone.now()
    day = now.astimezone(dt.UTC).date()
    found = reports.by_day(owner.organization_id, [subject], day, day, now=now)
    return found[subject].get(day, Statistics())


@pytest.fixture(params=["redis", "sql"])
def backend(request: pytest.FixtureRequest, settings: Settings) -> None:
    if request.param == "sql":
        settings.REDIS_URL = ""


def counts(names: Names) -> dict[str, int]:
    return {name: seen.count for name, seen in names.items()}


@pytest.mark.usefixtures("backend")
def test_the_statistics_agree_with_the_exact_counts(owner: Membership) -> None:
    Organization.objects.filter(pk=owner.organization_id).update(requests_per_day=3)
    issued = make_token(owner, permissions=["tokens.view"])
    api = program(issued)
    statuses = [api.get(path).status_code for path in ("/api/v1/tokens", "/api/v1/usage", WHOAMI, WHOAMI)]
    assert statuses == [200, 403, 200, 429]
    found = statistics(owner, issued.token.pk)
    assert (found.outcomes.ok, found.outcomes.denied, sum(found.outcomes.durations.values())) == (2, 1, 3)
    assert counts(found.refusals) == {"permission": 1, "daily": 1}
    today = timezone.now().date()
    [exact] = usage.by_day(owner.organization_id, today, today)
    assert (exact.calls, exact.refused) == (3, 1)


def test_a_request_has_its_route_its_network_and_what_it_required(owner: Membership) -> None:
    issued = make_token(owner, permissions=["tokens.manage"])
    program(issued).get("/api/v1/tokens", REMOTE_ADDR="192.0.2.77")
    program(issued).get("/api/v1/tokens", REMOTE_ADDR="192.0.2.78")
    program(issued).get(WHOAMI, REMOTE_ADDR="2001:db8:1:2::3")
    found = statistics(owner, issued.token.pk)
    # The required permission, not the one that the token holds.
    assert counts(found.permissions) == {"tokens.view": 2}
    assert counts(found.networks) == {"192.0.2.0/24": 2, "2001:db8:1::/48": 1}
    assert counts(found.methods) == {"GET api-tokens": 2, "GET api-whoami": 1}


def test_a_request_of_a_lacking_permission_requires_it_as_well(owner: Membership) -> None:
    issued = make_token(owner, permissions=["tokens.view"])
    program(issued).get("/api/v1/usage")
    found = statistics(owner, issued.token.pk)
    assert counts(found.permissions) == {"usage.view": 1}
    assert counts(found.refusals) == {"permission": 1}


def test_another_403_is_denied_but_no_refusal_of_a_permission(owner: Membership) -> None:
    issued = make_token(owner, permissions=["*:*:*"])
    program(issued).delete(f"/api/v1/members/{owner.public_id}")
    found = statistics(owner, issued.token.pk)
    assert (found.outcomes.denied, found.refusals) == (1, {})


def test_a_path_without_a_route_is_unknown(owner: Membership, api: APIClient, issued: Issued) -> None:
    assert api.get("/api/v1/no-such-thing/tsr_secret").status_code == 404
    found = statistics(owner, issued.token.pk)
    assert counts(found.methods) == {"GET unknown": 1}
    assert found.outcomes.invalid == 1


@pytest.mark.parametrize("path", [VERIFY, f"{VERIFY}/nginx", f"{VERIFY}/envoy"])
def test_forward_authentication_has_what_the_proxy_required_as_its_route(
    owner: Membership, path: str
) -> None:
    issued = make_token(owner, permissions=["index:read:*", "tokens.view"])
    api = program(issued)
    api.get(f"{path}?require=index:read:*&require=tokens.view")
    api.post(f"{path}?require=usage.view")
    found = statistics(owner, issued.token.pk)
    assert counts(found.permissions) == {"index:read:*": 1, "tokens.view": 1, "usage.view": 1}
    assert counts(found.methods) == {"GET index:read:* tokens.view": 1, "POST usage.view": 1}
    assert (found.outcomes.ok, found.outcomes.denied) == (1, 1)


def test_nginx_gets_403_for_a_limit_but_the_statistics_have_the_limit(owner: Membership) -> None:
    Organization.objects.filter(pk=owner.organization_id).update(requests_per_day=1)
    issued = make_token(owner)
    statuses = [program(issued).get(f"{VERIFY}/nginx").status_code for _ in range(2)]
    assert statuses == [204, 403]
    found = statistics(owner, issued.token.pk)
    assert (found.outcomes.ok, found.outcomes.denied) == (1, 0)
    assert counts(found.refusals) == {"daily": 1}


def test_a_tokens_own_limit_and_the_burst_limit_are_named(owner: Membership) -> None:
    issued = make_token(owner, requests_per_day=1)
    bursting = make_token(owner)
    for _ in range(2):
        program(issued).get(WHOAMI)
    owner.organization.plan.burst_per_minute = 1
    owner.organization.plan.save()
    for _ in range(2):
        program(bursting).get(WHOAMI)
    assert counts(statistics(owner, issued.token.pk).refusals) == {"token": 1}
    assert counts(statistics(owner, bursting.token.pk).refusals) == {"burst": 1}


def test_each_index_that_a_list_depends_on_is_required(owner: Membership) -> None:
    made = [indexes.create(organization_id=owner.organization_id, name=name) for name in ("a", "b")]
    held = [f"index:read:{one.pk}" for one in made]
    issued = make_token(owner, permissions=[*held, "tokens.view"])
    program(issued).get("/api/v1/indexes")
    program(issued).get(f"/api/v1/indexes/{made[0].pk}")
    found = statistics(owner, issued.token.pk)
    assert counts(found.permissions) == {held[0]: 2, held[1]: 1}


def test_a_token_that_rotates_itself_requires_that_permission_and_what_it_holds(owner: Membership) -> None:
    held = ["tokens:rotate:self", "index:read:*"]
    issued = make_token(owner, permissions=held)
    response = program(issued).post(f"/api/v1/tokens/{issued.token.public_id}/rotate", {})
    assert response.status_code == 201
    assert counts(statistics(owner, issued.token.pk).permissions) == dict.fromkeys(held, 1)


def test_a_token_that_creates_another_requires_the_permissions_that_it_gives(owner: Membership) -> None:
    issued = make_token(owner, permissions=["*:*:*"])
    body = {"name": "Child", "permissions": ["index:read:*"]}
    assert program(issued).post("/api/v1/tokens", body).status_code == 201
    found = statistics(owner, issued.token.pk)
    assert counts(found.permissions) == {"tokens.manage": 1, "index:read:*": 1}


def test_an_oauth_clients_requests_are_those_of_the_client(owner: Membership) -> None:
    client = make_program(owner)
    assert program(client.grant()["access_token"]).get(WHOAMI).status_code == 200
    assert statistics(owner, client.row.pk).outcomes.ok == 1


def test_people_browsers_and_refused_credentials_are_not_observed(owner: Membership) -> None:
    session_of(owner).get(WHOAMI)
    browser_of(owner.user).get("/settings/tokens/")
    Client().get(WHOAMI)
    program("tsr_sa_unknown").get(WHOAMI)
    assert len(gatherer._queue) == 0


def test_what_one_request_required_is_not_required_by_the_next(owner: Membership) -> None:
    issued, other = make_token(owner, permissions=["tokens.view"]), make_token(owner)
    program(issued).get("/api/v1/tokens")
    program(other).get(WHOAMI)
    assert statistics(owner, other.token.pk).permissions == {}
