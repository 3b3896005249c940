"""The token endpoint's refusals, each exactly as RFC 6749 section 5.2 has it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from tests.support.people import make_member, make_token
from tests.support.sessions import opened
from tests.tokens.oauth.calls import Program, ask, basic, error, make_program, ok, post
from tokens.grants import opening, refresh_tokens
from tokens.models import Grant, OAuthClient

pytestmark = pytest.mark.django_db
GRANT = {"grant_type": "client_credentials"}
UNKNOWN = "cli_01k9zq8c4se1ktw5n9y2a6p0mh"
WRONG = "tsr_cs_" + "A" * 43


@pytest.fixture
def importer(db: None) -> Program:
    return make_program()


def challenged(response: Any) -> None:
    assert error(response, 401) == "invalid_client"
    assert response["WWW-Authenticate"].startswith('Basic realm="tessera"')


def test_an_unknown_client_and_a_wrong_secret_are_answered_alike(importer: Program) -> None:
    bodies = set()
    for client_id, secret in ((importer.id, WRONG), (UNKNOWN, importer.secret), ("nobody", WRONG)):
        for response in (
            ask(**GRANT, client_id=client_id, client_secret=secret),
            ask(**GRANT, headers={"Authorization": basic(client_id, secret)}),
        ):
            challenged(response)
            bodies.add(response.content)
    assert len(bodies) == 1


@pytest.mark.parametrize("secret", [WRONG, UNKNOWN, "", "é" * 20, "\0", "x" * 5000, "%", "+"])
def test_no_other_secret_is_the_clients(importer: Program, secret: str) -> None:
    challenged(ask(**GRANT, client_id=importer.id, client_secret=secret))
    challenged(ask(**GRANT, headers={"Authorization": basic(importer.id, secret)}))


def test_another_clients_secret_is_wrong(importer: Program) -> None:
    other = make_program()
    challenged(ask(**GRANT, client_id=importer.id, client_secret=other.secret))


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Basic /w==",
        "Basic Og==",
        "Bearer x",
        "Digest x",
    ],
)
def test_an_authorization_header_that_names_no_client_is_challenged(
    importer: Program, authorization: str
) -> None:
    challenged(ask(**GRANT, headers={"Authorization": authorization}))
    challenged(ask(**GRANT, **importer.body, headers={"Authorization": authorization}))


def test_without_any_authentication_there_is_no_client() -> None:
    challenged(ask(**GRANT))


def test_two_ways_to_authenticate_are_one_too_many(importer: Program) -> None:
    headers = {"Authorization": importer.basic}
    assert error(ask(**GRANT, **importer.body, headers=headers)) == "invalid_request"
    assert error(ask(**GRANT, client_secret=WRONG, headers=headers)) == "invalid_request"
    assert error(ask(**GRANT, client_id=UNKNOWN, headers=headers)) == "invalid_request"


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret", "anything"])
def test_a_repeated_parameter_is_refused(importer: Program, name: str) -> None:
    once = urlencode(GRANT | importer.body | {"scope": "index:read:*", "anything": "x"})
    again = (GRANT | importer.body).get(name, "x")
    assert error(post(f"{once}&{name}={again}")) == "invalid_request"
    assert error(post(f"{once}&{name}=")) == "invalid_request"


@pytest.mark.parametrize("grant_type", [{}, {"grant_type": ""}])
def test_a_missing_grant_type_is_an_invalid_request(importer: Program, grant_type: dict[str, str]) -> None:
    assert error(ask(**grant_type, **importer.body)) == "invalid_request"


@pytest.mark.parametrize(
    "grant_type",
    ["password", "authorization_code", "implicit", "urn:x", "CLIENT_CREDENTIALS", "client_credentials "],
)
def test_another_grant_type_is_unsupported(importer: Program, grant_type: str) -> None:
    assert error(ask(grant_type=grant_type, **importer.body)) == "unsupported_grant_type"


def test_a_missing_refresh_token_is_an_invalid_request(importer: Program) -> None:
    for more in ({}, {"refresh_token": ""}):
        assert error(ask(grant_type="refresh_token", **importer.body, **more)) == "invalid_request"


@pytest.mark.parametrize(
    "scope",
    [
        "account:admin:*",
        "index:read:* account:admin:*",
        "index:*:*",
        "*:*:*",
        "index:write:shop",
        'a"b',
        "index",
        "index:read",
        "index:read:*  events:write:*",
        " index:read:*",
        "index:read:*\nevents:write:*",
        "é:read:*",
        "\0",
        " ".join(["index:read:*"] * 700),
    ],
)
def test_a_scope_that_is_malformed_or_beyond_the_client_is_invalid(importer: Program, scope: str) -> None:
    assert error(ask(**GRANT, **importer.body, scope=scope)) == "invalid_scope"
    assert not Grant.objects.exists()


def test_a_wider_scope_at_a_refresh_is_invalid_and_spends_nothing(importer: Program) -> None:
    refresh_token = importer.grant(scope="index:read:shop")["refresh_token"]
    for scope in ("index:read:*", "index:read:shop events:write:*", "index"):
        assert error(importer.refresh(refresh_token, scope=scope)) == "invalid_scope"
    ok(importer.refresh(refresh_token))


@pytest.mark.parametrize(
    "kind", ["unknown", "malformed", "access token", "session", "other client", "secret"]
)
def test_what_is_not_the_clients_refresh_token_is_an_invalid_grant(importer: Program, kind: str) -> None:
    member = make_member(importer.row.organization)
    token = {
        "unknown": lambda: refresh_tokens.PREFIX + "A" * 43,
        "malformed": lambda: "tsr_rt_é\0",
        "access token": lambda: importer.grant()["access_token"],
        "session": lambda: opened(member).refresh_token,
        "other client": lambda: make_program(member).grant()["refresh_token"],
        "secret": lambda: make_token(member).plaintext,
    }[kind]()
    assert error(importer.refresh(token)) == "invalid_grant"


@pytest.mark.parametrize(
    "name", ["client_id", "client_secret", "refresh_token", "grant_type", "scope", "token", "password"]
)
def test_parameters_in_the_address_are_refused(importer: Program, name: str) -> None:
    body = urlencode(GRANT | importer.body)
    assert error(post(body, f"/v1/auth/token?{name}=x")) == "invalid_request"
    assert error(post("", f"/v1/auth/token?{urlencode(GRANT | importer.body)}")) == "invalid_request"
    ok(post(body, "/v1/auth/token?trace=1"))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", ""])
def test_only_a_form_is_read(importer: Program, content_type: str) -> None:
    for body in (json.dumps(GRANT | importer.body), urlencode(GRANT | importer.body)):
        assert error(post(body, content_type=content_type)) == "invalid_request"


@pytest.mark.parametrize("body", [b"\xff=\xfe", b"a=%ff", b"&" * 3 + b"=", b"a=1&" * 2000])
def test_a_form_that_cannot_be_read_is_an_invalid_request(body: bytes) -> None:
    assert error(post(body)) == "invalid_request"


def test_what_the_edge_refuses_is_told_in_the_same_form(importer: Program) -> None:
    body = urlencode(GRANT | importer.body)
    assert error(post(body + "&a=" + "x" * 1_000_000), 413) == "invalid_request"
    assert error(post(body, "/v1/auth/token?trace=1&trace=2")) == "invalid_request"
    assert error(post(body, "/v1/auth/token?a=%00")) == "invalid_request"
    assert (
        error(post(body, content_type="application/x-www-form-urlencoded;charset=utf-7")) == "invalid_request"
    )


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_only_post_is_served(method: str, path: str) -> None:
    response = getattr(Client(), method)(f"/v1/auth/{path}")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    if method != "head":
        assert error(response, 405) == "invalid_request"


def test_a_suspended_organizations_clients_are_unknown(importer: Program) -> None:
    refresh_token = importer.grant()["refresh_token"]
    organizations = Organization.objects.filter(pk=importer.row.organization_id)
    organizations.update(suspended_at=timezone.now())
    challenged(ask(**GRANT, **importer.body))
    challenged(importer.refresh(refresh_token))
    organizations.update(suspended_at=None)
    ok(importer.refresh(refresh_token))


def test_a_deleted_client_is_unknown(importer: Program) -> None:
    OAuthClient.objects.filter(pk=importer.row.pk).update(deleted_at=timezone.now())
    challenged(ask(**GRANT, **importer.body))


def test_without_its_store_the_endpoint_says_when_to_come_back(
    importer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("the database is unavailable")

    monkeypatch.setattr(opening, "open_for_client", fail)
    response = ask(**GRANT, **importer.body)
    assert error(response, 503) == "temporarily_unavailable"
    assert response["Retry-After"] == "5"
