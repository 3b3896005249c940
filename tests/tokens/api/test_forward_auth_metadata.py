"""Metadata in forward authentication: only if the proxy asks for it, and then always."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.credentials import forward_auth_paths
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.update import update

pytestmark = pytest.mark.django_db
URL = "/api/auth/verify"
TOKENS, ORGANIZATIONS = "X-Tessera-Metadata", "X-Tessera-Organization-Metadata"
NOTHING = "e30"
OWN = {"customer": "4711", "note": '“é”, 😀 and \\ "'}
# Base64url of the JSON object with 20 names of 40 and values of 200 characters.
ASCII_HEADER, LONGEST_HEADER = 6562, 22562


@pytest.fixture
def holder(owner: Membership) -> Issued:
    type(owner.organization).objects.filter(pk=owner.organization_id).update(metadata={"region": "eu"})
    return make_token(owner, permissions=["index:read:*"], metadata=OWN)


def decoded(text: str) -> Any:
    assert "=" not in text
    return json.loads(urlsafe_b64decode(text + "=="))


@pytest.mark.parametrize("path", sorted(forward_auth_paths.PATHS))
def test_a_token_is_sent_with_both_if_the_proxy_asks(holder: Issued, path: str) -> None:
    end = "&path=/orders?metadata=0" if path == forward_auth_paths.FOR_ENVOY else ""
    for query in ("require=index:read:*&metadata=1", "metadata=1&require=index:read:*", "metadata=1"):
        answer = program(holder).get(f"{path}?{query}{end}")
        assert answer.status_code in (200, 204)
        assert decoded(answer[TOKENS]) == OWN
        assert decoded(answer[ORGANIZATIONS]) == {"region": "eu"}
    unasked = program(holder).get(f"{path}?require=index:read:*{end}")
    assert not {TOKENS, ORGANIZATIONS} & unasked.headers.keys()


def test_every_other_credential_sends_an_empty_object(owner: Membership, holder: Issued) -> None:
    callers: list[APIClient] = [
        session_of(owner),
        program(make_program(owner).grant()["access_token"]),
        program(make_token(owner)),
    ]
    for caller in callers:
        answer = caller.get(f"{URL}?metadata=1")
        assert (answer.status_code, answer[TOKENS]) == (204, NOTHING)
        assert decoded(answer[ORGANIZATIONS]) == {"region": "eu"}


def test_a_refusal_sends_none(holder: Issued) -> None:
    refused = program(holder).get(f"{URL}?require=tokens.view&metadata=1")
    assert refused.status_code == 403
    assert not {TOKENS, ORGANIZATIONS} & refused.headers.keys()


@pytest.mark.parametrize(
    "query", ["metadata=", "metadata", "metadata=0", "metadata=true", "Metadata=1", "metadata=1&metadata=2"]
)
def test_any_other_value_is_an_error_of_the_proxy(holder: Issued, query: str) -> None:
    refused = program(holder).get(f"{URL}?require=index:read:*&{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert list(refused.json()["fields"]) == [query[:8]]
    nginx = program(holder).get(f"{URL}/nginx?{query}")
    assert (nginx.status_code, nginx["X-Tessera-Status"]) == (403, "400")
    assert program(holder).get(f"{URL}/envoy?{query}&path=/").status_code == 400


@pytest.mark.parametrize(
    ("character", "length"), [("x", ASCII_HEADER), ("\U0001f600", LONGEST_HEADER), ('"', 11895)]
)
def test_the_longest_metadata_fits_the_documented_size(
    owner: Membership, character: str, length: int
) -> None:
    longest = {f"{number:040}": character * 200 for number in range(20)}
    holder = make_token(owner, metadata=longest)
    answer = program(holder).get(f"{URL}?metadata=1")
    assert decoded(answer[TOKENS]) == longest
    assert len(answer[TOKENS]) == length <= LONGEST_HEADER


def test_a_change_is_sent_with_the_next_request(holder: Issued, owner: Membership) -> None:
    caller = program(holder)
    assert decoded(caller.get(f"{URL}?metadata=1")[TOKENS]) == OWN
    update(token=holder.token, actor=actor(owner), metadata={"customer": "42"})
    assert decoded(caller.get(f"{URL}?metadata=1")[TOKENS]) == {"customer": "42"}


def test_a_warm_request_costs_no_query(
    holder: Issued, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller = program(holder)
    for _ in range(3):
        caller.get(f"{URL}?metadata=1")
    holder.token.organization.refresh_from_db()
    with django_assert_num_queries(0):
        assert caller.get(f"{URL}?metadata=1").status_code == 204


def test_whoami_shows_the_same(holder: Issued, owner: Membership) -> None:
    body = program(holder).get("/api/auth/whoami").json()
    assert (body["metadata"], body["organizationMetadata"]) == (OWN, {"region": "eu"})
    assert "metadata" not in session_of(owner).get("/api/auth/whoami").json()
