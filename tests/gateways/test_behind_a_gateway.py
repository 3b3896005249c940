"""An API behind nginx's auth_request and Caddy's forward_auth, with the lines of the README files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import Membership
from accounts.organizations import update as organizations
from tests.gateways.gateway import Gateway, lines, program
from tests.gateways.upstream import Upstream
from tests.support.people import actor, make_member, make_organization, make_token
from tests.support.servers import Servers
from tests.support.stores.store import free_port
from tests.support.waiting import PATIENCE
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
IDENTITY = ("x-tessera-actor-type", "x-tessera-subject", "x-tessera-organization-id", "x-tessera-permissions")

# Of a later version or of none: all names with the prefix are removed, not a list of names.
UNKNOWN = (
    *("X-Tessera-Metadata", "X-Tessera-Role", "X-Tessera-Status", "X-Tessera-Body", "X-Tessera-Email"),
    *("X-Tessera-Index-Id", "X-TESSERA-PLAN", "x-tessera-anything", "X-Tessera-1", "X_Tessera_Metadata"),
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def received(self) -> dict[str, list[str]]:
        """The headers that the API behind has got, by their names in lower case."""
        found: dict[str, list[str]] = {}
        for name, value in self.body["headers"]:
            found.setdefault(name.lower(), []).append(value)
        return found


def ask(
    gateway: Gateway,
    bearer: str = "",
    method: str = "GET",
    body: Any = None,
    *,
    source: str = "127.0.0.1",
    **headers: str,
) -> Answer:
    here = (source, 0)
    with closing(HTTPConnection("127.0.0.1", gateway.port, PATIENCE, here)) as connection:
        given = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, "/orders/7?page=2&page=3", body, given | headers, encode_chunked=chunked)
        response = connection.getresponse()
        content = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    is_json = found.get("content-type") == "application/json"
    return Answer(response.status, found, json.loads(content) if is_json and content else None)


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    return make_member(make_organization("Acme"))


@pytest.fixture
def bearer(owner: Membership) -> str:
    return make_token(owner, permissions=["index:write:*", "events:write:*"]).plaintext


def test_a_good_token_reaches_the_api_with_its_identity(gateway: Gateway, owner: Membership) -> None:
    issued = make_token(owner, permissions=["index:read:*", "events:write:*"])
    answer = ask(gateway, issued.plaintext)
    assert answer.status == 200, answer
    assert (answer.body["method"], answer.body["target"]) == ("GET", "/orders/7?page=2&page=3")
    assert [answer.received[name] for name in IDENTITY] == [
        ["service_account"],
        [issued.token.public_id],
        [owner.organization.public_id],
        ["index:read:* events:write:*"],
    ]
    assert "authorization" not in answer.received


def test_what_a_client_claims_of_itself_does_not_reach_it(gateway: Gateway, bearer: str) -> None:
    claims = {
        "X-Tessera-Subject": "usr_forged",
        "x-tessera-permissions": "forged:*:*",
        "X_Tessera_Organization_Id": "org_forged",
        "X-Tessera_Actor-Type": "forged",
        "x_tessera-subject": "forged",
    }
    claims |= dict.fromkeys(UNKNOWN, "forged")
    answer = ask(gateway, bearer, **claims)
    assert answer.status == 200
    assert "forged" not in json.dumps(answer.body)
    assert sorted(name for name in answer.received if "tessera" in name) == sorted(IDENTITY)
    assert all(len(answer.received[name]) == 1 for name in IDENTITY)


@pytest.mark.parametrize("named", ["close, X-Tessera-Subject", "keep-alive,x-tessera-organization-id"])
def test_a_client_cannot_have_the_identity_removed(gateway: Gateway, bearer: str, named: str) -> None:
    """RFC 9110 section 7.6.1: a proxy removes the headers that Connection names."""
    answer = ask(gateway, bearer, Connection=named)
    if gateway.kind == "nginx":
        assert [name for name in IDENTITY if name in answer.received] == list(IDENTITY)
    else:
        assert (answer.status, answer.body) == (400, None)


def test_nobody_is_refused_with_a_challenge(gateway: Gateway) -> None:
    answer = ask(gateway)
    assert (answer.status, answer.body["code"]) == (401, "credential_required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tessera"'
    assert answer.headers["content-type"] == "application/json"


def test_a_revoked_token_is_refused_at_once(gateway: Gateway, owner: Membership) -> None:
    for _ in range(3):
        issued = make_token(owner)
        assert ask(gateway, issued.plaintext).status == 200
        revoke(token=issued.token, actor=actor(owner))
        answer = ask(gateway, issued.plaintext)
        assert (answer.status, answer.body["code"]) == (401, "token_revoked")


def test_a_lacking_permission_is_a_403(gateway: Gateway, owner: Membership) -> None:
    answer = ask(gateway, make_token(owner, permissions=["tokens.view"]).plaintext)
    assert (answer.status, answer.body["code"]) == (403, "insufficient_scope")
    assert answer.body["required"] == ["index:read:*"]
    assert answer.headers["www-authenticate"].endswith('scope="index:read:*"')


def test_over_the_limit_the_client_sees_429_and_when_to_come_again(
    gateway: Gateway, owner: Membership, bearer: str
) -> None:
    owner.organization.requests_per_day = 3
    owner.organization.save()
    answers = [ask(gateway, bearer, "POST", b"{}") for _ in range(5)]
    assert [one.status for one in answers] == [200, 200, 200, 429, 429]
    over = answers[-1]
    assert over.body["code"] == "rate_limited"
    assert over.body["retry_after"] == int(over.headers["retry-after"]) > 0
    assert '"daily";r=0' in over.headers["ratelimit"]


def test_the_allowed_addresses_are_those_of_the_client_whatever_it_forwards(
    kind: str, servers: Servers, upstream: Upstream, tmp_path: Path, owner: Membership, bearer: str
) -> None:
    (server,) = servers(1, TRUSTED_PROXY_COUNT="1")
    gateway = Gateway(kind, tmp_path, tessera=urlsplit(server.url).port or 0, api=upstream.port)
    organizations.change(actor=actor(owner), allowed_addresses=["127.0.0.7"])
    forged = {"X-Forwarded-For": "127.0.0.7"}
    answers = [ask(gateway, bearer, source=source, **forged) for source in ("127.0.0.1", "127.0.0.7")]
    gateway.stop()
    assert [answer.status for answer in answers] == [403, 200]
    assert answers[0].body == {
        "error": "Address not allowed",
        "code": "address_not_allowed",
        "detail": "The request came from 127.0.0.1.",
    }
    assert "www-authenticate" not in answers[0].headers


@pytest.mark.parametrize("kind", ["nginx"], indirect=True)
def test_the_caller_sees_what_is_left(gateway: Gateway, bearer: str) -> None:
    numbers = [ask(gateway, bearer).headers["x-ratelimit-remaining"] for _ in range(2)]
    assert numbers == ["99", "98"]
    lacking = ask(gateway, bearer, "DELETE").headers
    assert (lacking["x-ratelimit-limit"], lacking["x-ratelimit-remaining"]) == ("100", "97")
    assert int(lacking["x-ratelimit-reset"]) > 0
    assert '"daily";q=100' in lacking["ratelimit-policy"]


@pytest.mark.parametrize("kind", ["nginx"], indirect=True)
def test_nginx_asks_for_one_permission_by_method(gateway: Gateway, owner: Membership) -> None:
    reader = make_token(owner, permissions=["index:read:*"]).plaintext
    assert [ask(gateway, reader, method).status for method in ("GET", "HEAD")] == [200, 200]
    refused = ask(gateway, reader, "POST", b"{}")
    assert (refused.status, refused.body["required"]) == (403, ["index:write:*"])


def test_what_an_api_reads_of_a_request_reaches_it(gateway: Gateway, bearer: str) -> None:
    named = {"Content-Type": "text/csv", "If-None-Match": '"1"', "Cookie": "theirs=1", "X-Request-ID": "r-1"}
    received = ask(gateway, bearer, "POST", b"a,b", **named).received
    assert {name: received[name.lower()] for name in named} == {
        name: [value] for name, value in named.items()
    }
    assert received["content-length"] == ["3"]


def parts() -> Iterator[bytes]:
    yield from (b"first,", b"x" * 70_000, b",last")


def test_a_body_reaches_the_api_untouched(gateway: Gateway, bearer: str) -> None:
    sent = bytes(range(256)) * 1_000
    kind = {"Content-Type": "text/csv; charset=iso-8859-1", "Accept": "a/b;x*=c''%41;x*0=c"}
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        answer = ask(gateway, bearer, method, sent, **kind)
        assert (answer.status, answer.body["method"]) == (200, method)
        assert answer.body["body"].encode("latin-1") == sent
        assert answer.received["content-type"] == [kind["Content-Type"]]


def test_a_body_in_chunks_reaches_it_too(gateway: Gateway, bearer: str) -> None:
    answer = ask(gateway, bearer, "POST", parts(), **{"Transfer-Encoding": "chunked"})
    assert answer.body["body"].encode() == b"".join(parts())


def test_the_body_of_a_refused_request_goes_nowhere(gateway: Gateway) -> None:
    assert ask(gateway, "tsr_sa_" + "A" * 43, "POST", b"x" * 200_000).status == 401


def test_while_tessera_is_away_nobody_passes(kind: str, upstream: Upstream, tmp_path: Path) -> None:
    alone = Gateway(kind, tmp_path, tessera=free_port(), api=upstream.port)
    answer = ask(alone, "tsr_sa_" + "A" * 43)
    alone.stop()
    assert answer.status == {"nginx": 503, "caddy": 502}[kind]
    if kind == "nginx":
        assert answer.body == {"error": "Temporarily unavailable", "code": "unavailable"}


def test_a_gateway_that_asks_wrongly_lets_nobody_pass(
    kind: str, tessera: int, upstream: Upstream, tmp_path: Path, bearer: str
) -> None:
    wrong = Gateway(kind, tmp_path, tessera=tessera, api=upstream.port, require="index.read.everything")
    answer = ask(wrong, bearer)
    wrong.stop()
    assert (answer.status, answer.body["code"]) == {
        "nginx": (500, "internal_error"),
        "caddy": (400, "invalid_request"),
    }[kind]


def test_the_short_lines_of_the_readme_let_only_a_valid_token_through(
    tessera: int, upstream: Upstream, tmp_path: Path, owner: Membership
) -> None:
    if program("nginx") is None:
        pytest.skip("nginx is not installed")
    text = f"server {{ listen 8080; {lines('nginx', 'README.md')} }}"
    short = Gateway("nginx", tmp_path, tessera=tessera, api=upstream.port, text=text)
    try:
        issued = make_token(owner)
        claims = dict.fromkeys(("X-Tessera-Subject", "X_Tessera_Subject", "X-Tessera-Permissions"), "forged")
        answer = ask(short, issued.plaintext, **claims)
        refused = [ask(short, bearer).status for bearer in ("", "tsr_sa_" + "A" * 43)]
        assert (answer.status, refused) == (200, [401, 401])
        assert {name: values for name, values in answer.received.items() if "tessera" in name} == {
            "x-tessera-subject": [issued.token.public_id],
            "x-tessera-organization-id": [owner.organization.public_id],
        }
        assert "authorization" not in answer.received
    finally:
        short.stop()
