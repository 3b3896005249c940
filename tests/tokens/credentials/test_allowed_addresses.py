"""A program's valid credential is refused at addresses that its own list or its organization's lacks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from ratelimit.store import client as store
from ratelimit.usage import refused_uses, reports
from tests.support.clients import program
from tests.support.people import actor
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.credentials.allowed_addresses import CAUSE_ADDRESS, FORWARDING_IGNORED
from tokens.credentials.cache import credential_cache
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
WHOAMI = "/api/auth/whoami"
WAYS = (WHOAMI, "/api/auth/verify", "/api/auth/verify/nginx", "/api/auth/verify/envoy")
ADDRESSES = {"IPv4": "203.0.113.7", "IPv6": "2001:db8::7"}
LISTS: dict[str, list[str]] = {
    "empty": [],
    "containing": ["198.51.100.9", "203.0.113.0/24", "2001:db8::/48"],
    "other": ["198.51.100.0/24", "2001:db8:ffff::/48"],
}


def allow(owner: Membership, token: list[str], organization: list[str]) -> None:
    ServiceAccountToken.objects.filter(organization=owner.organization).update(allowed_addresses=token)
    Organization.objects.filter(pk=owner.organization_id).update(allowed_addresses=organization)
    Organization.objects.advance([owner.organization_id])


def call(api: APIClient, path: str = WHOAMI, address: str = "203.0.113.7", **headers: str) -> Any:
    return api.get(path, REMOTE_ADDR=address, **headers)


def assert_refused(response: Any, address: str = "203.0.113.7", hint: str = "") -> None:
    assert (response.status_code, response.headers.get("WWW-Authenticate")) == (403, None)
    assert response.json() == {
        "error": "Address not allowed",
        "code": "address_not_allowed",
        "detail": f"The request came from {address}.{hint}",
    }


def fresh(api: APIClient, settings: Settings) -> None:
    credential_cache.clear()


def remembered(api: APIClient, settings: Settings) -> None:
    for _ in range(2):
        assert call(api).status_code == 200


def without_redis(api: APIClient, settings: Settings) -> None:
    settings.REDIS_URL = ""


@pytest.mark.parametrize("memory", [fresh, remembered, without_redis])
@pytest.mark.parametrize("family", ADDRESSES)
@pytest.mark.parametrize("path", WAYS)
def test_the_address_must_be_in_each_list_that_is_not_empty(
    path: str,
    family: str,
    memory: Callable[[APIClient, Settings], None],
    api: APIClient,
    owner: Membership,
    settings: Settings,
) -> None:
    found = {}
    for of_token, of_organization in product(LISTS, LISTS):
        allow(owner, [], [])
        memory(api, settings)
        allow(owner, LISTS[of_token], LISTS[of_organization])
        response = call(api, path, ADDRESSES[family])
        found[of_token, of_organization] = response.status_code
        if response.status_code == 403:
            assert_refused(response, ADDRESSES[family])
            assert not [name for name in response.headers if "RateLimit" in name]
    assert found == {
        lists: 403 if "other" in lists else 200 if path in (WHOAMI, WAYS[3]) else 204
        for lists in product(LISTS, LISTS)
    }


def test_the_organizations_list_holds_for_access_tokens_of_clients_and_not_for_sessions(
    owner: Membership,
) -> None:
    client, session = program(make_program(owner).grant()["access_token"]), session_of(owner)
    assert [call(one).status_code for one in (client, client, session)] == [200] * 3
    allow(owner, [], LISTS["other"])
    assert_refused(call(client))
    credential_cache.clear()
    assert_refused(call(client))
    assert call(session).status_code == call(session, "/api/auth/verify").status_code - 4 == 200
    allow(owner, [], LISTS["containing"])
    assert call(client).status_code == 200


def test_a_list_that_now_contains_the_address_is_read_at_once(api: APIClient, owner: Membership) -> None:
    allow(owner, ["198.51.100.0/24"], [])
    for _ in range(2):
        assert call(api, address="198.51.100.1").status_code == 200
    assert_refused(call(api))
    allow(owner, ["198.51.100.0/24", "203.0.113.7"], [])
    assert call(api).status_code == 200


def test_a_list_that_no_longer_contains_the_address_is_read_during_an_outage_of_redis(
    api: APIClient, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered(api, None)  # type: ignore[arg-type]
    allow(owner, LISTS["other"], [])

    def unavailable(*_: Any, **__: Any) -> None:
        raise store.StoreUnavailable

    monkeypatch.setattr(store, "meter", unavailable)
    assert_refused(call(api))


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, None, "10.0.0.2"),
        (0, "203.0.113.7", "10.0.0.2"),
        (1, None, "10.0.0.2"),
        (1, "203.0.113.7", None),
        (1, "203.0.113.7, 198.51.100.1", "198.51.100.1"),
        (1, "unknown", "an unknown address"),
        (1, "::ffff:203.0.113.7", None),
        (1, "[2001:db8::7]:443", None),
        (1, "2001:db8:1::7", "2001:db8:1::7"),
        (2, "203.0.113.7, 10.0.0.1", None),
        (2, "203.0.113.7, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
    ],
)
@pytest.mark.parametrize("path", WAYS)
def test_only_addresses_that_trusted_proxies_wrote_are_checked(
    path: str,
    count: int,
    forwarded: str | None,
    address: str | None,
    api: APIClient,
    owner: Membership,
    settings: Settings,
) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    allow(owner, LISTS["containing"], LISTS["containing"])
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    response = call(api, path, "10.0.0.2", **headers)
    if address is None:
        assert response.status_code in (200, 204)
    else:
        assert_refused(response, address, f" {FORWARDING_IGNORED}" if not count and forwarded else "")


def test_an_unset_proxy_count_is_named_in_the_refusal(api: APIClient, owner: Membership) -> None:
    allow(owner, LISTS["containing"], [])
    response = call(api, address="10.0.0.2", HTTP_X_FORWARDED_FOR="203.0.113.7")
    assert response.json()["detail"] == (
        "The request came from 10.0.0.2. It has X-Forwarded-For, but TRUSTED_PROXY_COUNT is 0, so this may "
        "be the address of a proxy: set TRUSTED_PROXY_COUNT to the number of proxies."
    )


def test_a_secret_that_is_not_valid_is_refused_as_everywhere(
    api: APIClient, issued: Issued, owner: Membership
) -> None:
    allow(owner, LISTS["other"], LISTS["other"])
    guess = f"{issued.plaintext[:-1]}{'a' if issued.plaintext[-1] != 'a' else 'b'}"
    assert call(program(guess)).json()["code"] == "invalid_token"
    revoke(token=issued.token, actor=actor(owner))
    assert call(api).json()["code"] == "token_revoked"


def test_a_refusal_is_charged_to_no_plan_and_counted_as_a_refused_use_at_its_address(
    api: APIClient, issued: Issued, owner: Membership
) -> None:
    assert call(api)["X-RateLimit-Remaining"] == "99"
    allow(owner, LISTS["other"], [])
    for _ in range(3):
        assert_refused(call(api))
    token, organization = issued.token.pk, owner.organization_id
    (found,) = refused_uses.by_address(organization, token, CAUSE_ADDRESS)
    assert (found.address, found.count) == ("203.0.113.7", 3)
    total = reports.totals(organization, [token])[token]
    assert (total.calls, total.refused_uses.count) == (1, 3)
    allow(owner, [], [])
    assert call(api)["X-RateLimit-Remaining"] == "98"


def test_the_limit_of_the_address_applies_and_then_a_refusal_costs_few_queries(
    api: APIClient,
    owner: Membership,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.REFUSALS_PER_MINUTE = 5
    allow(owner, ["2001:db8::7"], [])
    assert [call(api, address="2001:db8::8").status_code for _ in range(7)] == [403] * 5 + [429] * 2
    # 1 for each second that this may take, and 1 for the digests that exist
    with django_assert_max_num_queries(5):
        assert {call(api, address="2001:db8::8").status_code for _ in range(20)} == {429}
    # Both addresses are in one /64, which is past its limit.
    for _ in range(2):
        assert call(api, address="2001:db8::7").status_code == 200


def test_lists_cost_an_accepted_request_nothing_and_a_refused_one_a_query_and_two_round_trips(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    Organization.objects.update(requests_per_day=100_000)
    allow(owner, LISTS["containing"], LISTS["containing"])
    remembered(api, None)  # type: ignore[arg-type]
    assert_refused(call(api, address="192.0.2.1"), "192.0.2.1")
    round_trips.clear()
    with django_assert_num_queries(0):
        assert call(api).status_code == 200
    assert len(round_trips) == 1
    round_trips.clear()
    # 1: the lists, which may have changed since they were remembered
    with django_assert_num_queries(1):
        assert_refused(call(api, address="192.0.2.1"), "192.0.2.1")
    # 1: the address's limit of refusals; 2: the refused use
    assert len(round_trips) == 2


def test_nginx_gets_the_refusal_with_its_body(api: APIClient, owner: Membership) -> None:
    allow(owner, LISTS["other"], [])
    response = call(api, "/api/auth/verify/nginx")
    assert (response.status_code, response["X-Tessera-Status"]) == (403, "403")
    assert response["X-Tessera-Body"].encode() == response.content
