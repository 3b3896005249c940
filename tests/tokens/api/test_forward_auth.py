"""/api/auth/verify: whether a request to a customer's API may pass, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.config.test_cors import CORS, ORIGIN, PREFLIGHT
from tests.support.clients import program
from tests.support.people import actor, make_member, make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.api import forward_auth
from tokens.credentials import forward_auth_paths
from tokens.crypto import opaque
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
URL = "/api/auth/verify"
READ = f"{URL}?require=index:read:*"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "LOCK", "PURGE"]


def identity(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("X-Tessera-")}


@pytest.fixture
def reader(owner: Membership) -> Issued:
    return make_token(owner, "Reader", ["index:read:*", "inventoryPlans.view"])


def test_a_good_token_passes_and_is_named(reader: Issued, owner: Membership) -> None:
    response = program(reader).get(READ)
    assert (response.status_code, response.content) == (204, b"")
    # RFC 9110 section 8.6: what has no content tells no length.
    assert not {"Content-Type", "Content-Length"} & response.headers.keys()
    assert identity(response) == {
        "X-Tessera-Actor-Type": "service_account",
        "X-Tessera-Subject": reader.token.public_id,
        "X-Tessera-Organization-Id": owner.organization.public_id,
        "X-Tessera-Permissions": "index:read:* inventoryPlans.view",
    }
    assert response["X-RateLimit-Remaining"] == "99"
    assert response["RateLimit"].startswith('"daily";r=99;t=')
    assert response["Cache-Control"] == "no-store"


def test_a_session_passes_with_the_rights_of_now(owner: Membership) -> None:
    viewer = make_member(owner.organization, Role.VIEWER)
    response = session_of(viewer).get(READ)
    assert response.status_code == 204
    assert response["X-Tessera-Actor-Type"] == "user"
    assert response["X-Tessera-Subject"] == viewer.user.public_id
    assert response["RateLimit-Policy"] == '"daily";q=100;w=86400'
    assert session_of(viewer).get(f"{URL}?require=index:write:*").status_code == 403


def test_an_oauth_client_passes(owner: Membership) -> None:
    client = make_program(owner)
    response = program(client.grant()["access_token"]).get(READ)
    assert response.status_code == 204
    assert (response["X-Tessera-Actor-Type"], response["X-Tessera-Subject"]) == ("client", client.id)


def test_our_own_services_tokens_do_not(settings: Any) -> None:
    settings.INTERNAL_TOKENS = ["an-internal-token-of-more-than-32-characters"]
    assert program(settings.INTERNAL_TOKENS[0]).get(READ).status_code == 401


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", sorted(forward_auth_paths.PATHS))
def test_any_method_is_answered_alike(reader: Issued, method: str, path: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {reader.plaintext}"}, enforce_csrf_checks=True)
    passed = client.generic(method, f"{path}?require=index:read:*", "not read", content_type="text/plain")
    assert passed.status_code == (200 if path == forward_auth_paths.FOR_ENVOY else 204)
    assert passed["X-Tessera-Subject"] == reader.token.public_id
    assert client.generic(method, f"{path}?require=tokens.manage").status_code == 403
    assert Client().generic(method, f"{path}?require=index:read:*").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/csv; charset=iso-8859-1"},
        {"Content-Length": str(10**9)},
        {"Accept": "a/b;x*=c''%41;x*0=c"},
        {"Cookie": 'theirs="\\000"'},
        {"Origin": "https://anywhere.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_what_the_request_says_of_its_body_is_left_to_the_api_behind(
    reader: Issued, headers: dict[str, str]
) -> None:
    client = Client(headers={"Authorization": f"Bearer {reader.plaintext}"})
    kind = headers.get("Content-Type", "")
    assert client.generic("POST", READ, b"\xff", content_type=kind, headers=headers).status_code == 204


def test_a_preflight_that_nobody_has_proved_is_no_yes(settings: Any, client: Client) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = [CORS, *settings.MIDDLEWARE]
    for path in sorted(forward_auth_paths.PATHS):
        assert client.options(path, headers=PREFLIGHT).status_code in (401, 403)


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("", []),
        ("require=index:read:7", []),
        ("require=inventoryPlans.view", []),
        ("require=inventoryPlans:view:*", []),
        ("require=inventoryPlans%3Aview%3A%2A", []),
        ("require=index:read:*&require=inventoryPlans.view", []),
        ("require=index:write:*", ["index:write:*"]),
        ("require=index:read:*&require=tokens.view&require=clients.view", ["tokens.view", "clients.view"]),
        ("require=*:*:*", ["*:*:*"]),
    ],
)
def test_every_required_permission_is_needed(reader: Issued, query: str, missing: list[str]) -> None:
    response = program(reader).get(f"{URL}?{query}")
    if not missing:
        assert response.status_code == 204
        return
    assert response.status_code == 403
    assert response.json() == {
        "error": "Permission denied",
        "code": "insufficient_scope",
        "required": missing,
    }
    assert f'scope="{" ".join(missing)}"' in response["WWW-Authenticate"]
    assert response["X-RateLimit-Remaining"] == "99"
    assert identity(response) == {}


@pytest.mark.parametrize(
    "query",
    [
        "require",
        "require=",
        "require=index",
        "require=index:read",
        "require=index:read:*,tokens.view",
        "require=index:read:* tokens.view",
        "require=index:read:*%0d%0aX-Tessera-Subject:%20usr_1",
        "require=index:read:*&require=",
        "requires=index:read:*",
        "Require=index:read:*",
        "require[]=index:read:*",
        "require=index:read:*&permission=tokens.manage",
        "path=/&require=index:read:*",
        "require=index:read:*&path=/",
        "&",
        "&&",
        "&".join(["require=index:read:*"] * 21),
    ],
)
def test_a_proxy_that_asks_wrongly_lets_nobody_in_and_is_found_in_the_log(
    api: Any, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = api.get(f"{URL}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert response.json()["fields"]
    assert "Forward authentication was requested with" in caplog.text
    assert "index" not in caplog.text


def test_envoy_appends_the_clients_address_which_asks_for_nothing(reader: Issued) -> None:
    client = program(reader)
    ours = f"{URL}/envoy?require=index:read:*&path="
    assert client.get(f"{ours}/orders/1?require=tokens.manage&page=2&page=3").status_code == 200
    lacking = client.get(f"{URL}/envoy?require=tokens.manage&path=/orders?path=&require=index:read:*")
    assert lacking.json()["required"] == ["tokens.manage"]


@pytest.mark.parametrize(
    "query",
    [
        "path=/",
        "path=/&require=index:read:*",
        "&path=/&require=index:read:*",
        "&&path=/",
        "require=index:read:*&p%61th=/",
    ],
)
def test_envoy_lets_nobody_in_where_nothing_stands_before_the_clients_address(api: Any, query: str) -> None:
    refused = api.get(f"{URL}/envoy?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["", "/nginx"])
def test_path_is_an_unknown_parameter_elsewhere(api: Any, path: str) -> None:
    refused = api.get(f"{URL}{path}?path=/&require=nope.nope")
    assert "path" in refused.content.decode() + refused.get("X-Tessera-Body", "")
    assert (refused.status_code, refused.get("X-Tessera-Status")) in ((400, None), (403, "400"))


def test_it_answers_under_any_host_which_is_named_in_the_log_once(
    reader: Issued, caplog: pytest.LogCaptureFixture
) -> None:
    client = program(reader)
    for _ in range(3):
        assert client.get(READ, headers={"Host": "gateway.example"}).status_code == 204
    assert client.get("/api/auth/whoami", headers={"Host": "elsewhere.example"}).status_code == 400
    named = [line for line in caplog.messages if "ALLOWED_HOSTS" in line]
    assert [one.split("'")[1] for one in named] == ["gateway.example", "elsewhere.example"]


def test_no_credential_and_an_ended_one_are_refused(
    client: Client, reader: Issued, owner: Membership
) -> None:
    assert client.get(READ).json() == {"error": "API key required", "code": "credential_required"}
    assert program(opaque.new().plaintext).get(READ).json()["code"] == "invalid_token"
    assert program(reader).get(READ).status_code == 204
    revoke(token=reader.token, actor=actor(owner))
    refused = program(reader).get(READ)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    assert identity(refused) == {}


def test_refused_credentials_are_counted_by_address(settings: Any) -> None:
    settings.REFUSALS_PER_MINUTE = 2
    unknown = program(opaque.new().plaintext)
    assert [unknown.get(READ).status_code for _ in range(3)] == [401, 401, 429]


def test_it_is_charged_and_limited_like_any_request(owner: Membership, reader: Issued) -> None:
    owner.organization.requests_per_day = 2
    owner.organization.save()
    client = program(reader)
    assert client.get("/api/auth/whoami").status_code == 200
    assert client.post(READ).status_code == 204
    over = client.get(READ)
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert int(over["Retry-After"]) == over.json()["retry_after"]


def test_a_plan_that_is_used_up_refuses_every_kind_of_bearer_here(owner: Membership, reader: Issued) -> None:
    owner.organization.requests_per_day = 1
    owner.organization.save()
    session = session_of(owner)
    assert session.get(READ).status_code == 204
    client = program(make_program(owner).grant()["access_token"])
    for caller in (session, session_of(owner), program(reader), client):
        refused = caller.get(READ)
        assert (refused.status_code, refused["X-RateLimit-Remaining"]) == (429, "0")
    own = session.get("/api/auth/whoami")
    assert (own.status_code, own["RateLimit-Policy"]) == (200, '"session";q=600;w=60')


def test_a_session_is_not_held_to_the_persons_minute_here(owner: Membership, settings: Any) -> None:
    settings.SESSION_REQUESTS_PER_MINUTE = 1
    session = session_of(owner)
    assert [session.get(READ).status_code for _ in range(3)] == [204] * 3


def test_a_warm_request_costs_no_statement_and_one_round_trip(
    reader: Issued, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reader.token.organization.requests_per_day = 1_000_000
    reader.token.organization.save()
    client = program(reader)
    for _ in range(3):
        client.get(READ)
    round_trips.clear()
    with django_assert_num_queries(0):
        assert client.get(READ).status_code == 204
    assert len(round_trips) == 1


def test_a_list_of_permissions_is_cut_after_a_whole_one_to_fit_a_header(owner: Membership) -> None:
    many = [f"index:read:{number:03}-{'x' * 150}" for number in range(100)]
    response = program(make_token(owner, permissions=many)).get(f"{URL}?require={many[-1]}")
    assert response.status_code == 204
    results = response["X-Tessera-Permissions"]
    assert len(results) <= forward_auth.MAX_PERMISSIONS
    assert results.split(" ") == many[: len(results.split(" "))]


@pytest.mark.parametrize("length", range(forward_auth.MAX_PERMISSIONS - 3, forward_auth.MAX_PERMISSIONS + 4))
def test_the_cut_is_never_inside_a_permission(length: int) -> None:
    permissions = ("a" * length, "b.c", "d.e")
    assert set(forward_auth.listed(permissions).split(" ")) <= {*permissions, ""}
    assert len(forward_auth.listed(permissions)) <= forward_auth.MAX_PERMISSIONS
