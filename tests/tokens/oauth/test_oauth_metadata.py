"""The server's word about itself (RFC 8414): complete, and true."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from django.conf import settings
from django.test import Client

from tests.support.people import actor
from tests.tokens.crypto.forging import claims_of
from tests.tokens.oauth.calls import ask, error, make_program
from tokens.oauth import clients

pytestmark = pytest.mark.django_db
PATH = "/.well-known/oauth-authorization-server"


@pytest.fixture
def metadata(client: Client) -> dict[str, Any]:
    response = client.get(PATH)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = response.json()
    return found


def test_authlib_finds_nothing_wrong_with_it(
    metadata: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    AuthorizationServerMetadata(metadata).validate()


def test_the_issuer_is_that_of_the_tokens(metadata: dict[str, Any]) -> None:
    assert metadata["issuer"] == settings.BASE_URL
    assert claims_of(make_program().grant()["access_token"])["iss"] == metadata["issuer"]


def test_every_address_is_served(metadata: dict[str, Any], client: Client) -> None:
    for name, allowed in (
        ("token_endpoint", "POST"),
        ("revocation_endpoint", "POST"),
        ("introspection_endpoint", "POST"),
        ("jwks_uri", "GET"),
        ("service_documentation", "GET"),
    ):
        path = metadata[name].removeprefix(settings.BASE_URL)
        assert client.get(path).status_code == (405 if allowed == "POST" else 200), name


def test_the_grant_types_are_those_that_work(metadata: dict[str, Any]) -> None:
    assert metadata["grant_types_supported"] == ["client_credentials", "refresh_token"]
    program = make_program()
    for grant_type in ("password", "authorization_code", "implicit"):
        assert error(ask(grant_type=grant_type, **program.body)) == "unsupported_grant_type"
    assert "authorization_endpoint" not in metadata


def test_refreshing_without_a_secret_is_named_where_somebody_may(client: Client) -> None:
    def methods() -> list[str]:
        found: list[str] = client.get(PATH).json()["token_endpoint_auth_methods_supported"]
        return found

    program = make_program()
    assert methods() == ["client_secret_basic", "client_secret_post"]
    member = program.row.responsible
    assert member is not None
    clients.update(client=program.row, actor=actor(member), refresh_auth="rotation_only")
    assert methods() == ["client_secret_basic", "client_secret_post", "none"]
    clients.delete(client=program.row, actor=actor(member))
    assert "none" not in methods()


def test_scopes_are_those_of_the_catalogue(metadata: dict[str, Any]) -> None:
    assert {"index:read:*", "tokens.manage"} <= set(metadata["scopes_supported"])
    assert "*:*:*" not in metadata["scopes_supported"]


def test_it_is_read_only(client: Client) -> None:
    assert client.post(PATH).status_code == 405
    assert client.head(PATH).status_code == 200
