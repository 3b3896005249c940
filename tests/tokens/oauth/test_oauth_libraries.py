"""Client libraries as their authors made them, against a running server."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.support.servers import Server, Servers
from tests.support.waiting import PATIENCE
from tests.tokens.oauth.calls import Program, make_program

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Server:
    # Their own switches for a server without TLS.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    [found] = servers(1)
    return found


@pytest.fixture
def importer(transactional_db: None) -> Program:
    return make_program()


def metadata_of(server: Server) -> dict[str, Any]:
    url = f"{server.url}/.well-known/oauth-authorization-server"
    found: dict[str, Any] = requests.get(url, timeout=PATIENCE).json()
    return found


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib(server: Server, importer: Program, method: str) -> None:
    known = metadata_of(server)
    session = AuthlibSession(
        importer.id,
        importer.secret,
        scope="index:read:*",
        token_endpoint=known["token_endpoint"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )
    first = session.fetch_token(grant_type="client_credentials")
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 7200, "index:read:*")
    whoami = session.get(f"{server.url}/api/auth/whoami")
    assert (whoami.status_code, whoami.json()["clientId"]) == (200, importer.id)
    second = session.refresh_token(known["token_endpoint"])
    assert second["refresh_token"] != first["refresh_token"]
    found = session.introspect_token(known["introspection_endpoint"], token=second["access_token"])
    assert (found.status_code, found.json()["active"]) == (200, True)
    revoked = session.revoke_token(known["revocation_endpoint"], token=second["refresh_token"])
    assert revoked.status_code == 200
    session.token = second
    assert session.get(f"{server.url}/api/auth/whoami").status_code == 401


def test_authlib_verifies_a_token_by_the_published_keys(server: Server, importer: Program) -> None:
    known = metadata_of(server)
    session = AuthlibSession(importer.id, importer.secret)
    token = session.fetch_token(known["token_endpoint"], grant_type="client_credentials")
    keys = KeySet.import_key_set(requests.get(known["jwks_uri"], timeout=PATIENCE).json())
    found = jwt.decode(token["access_token"], keys, algorithms=["ES256"])
    expected = {"iss": {"essential": True, "value": server.url}, "aud": {"essential": True}}
    jwt.JWTClaimsRegistry(**expected).validate(found.claims)
    assert (found.header["typ"], found.claims["sub"]) == ("at+jwt", importer.id)


@pytest.mark.parametrize("how", ["basic", "body"])
def test_requests_oauthlib(server: Server, importer: Program, how: str) -> None:
    session = OAuth2Session(client=BackendApplicationClient(importer.id, scope=["index:read:*"]))
    url = f"{server.url}/v1/auth/token"
    proof: dict[str, Any] = {"client_secret": importer.secret, "include_client_id": True}
    if how == "basic":
        proof = {"auth": HTTPBasicAuth(importer.id, importer.secret)}
    token = session.fetch_token(url, **proof)
    assert (token["token_type"], token["scope"]) == ("Bearer", ["index:read:*"])
    assert session.get(f"{server.url}/api/auth/whoami").json()["clientId"] == importer.id
    again = session.refresh_token(url, auth=HTTPBasicAuth(importer.id, importer.secret))
    assert again["refresh_token"] != token["refresh_token"]
    assert session.get(f"{server.url}/api/auth/whoami").status_code == 200


def test_requests_oauthlib_understands_a_refusal(server: Server, importer: Program) -> None:
    session = OAuth2Session(client=BackendApplicationClient(importer.id))
    with pytest.raises(InvalidClientError):
        session.fetch_token(f"{server.url}/v1/auth/token", client_secret="wrong", include_client_id=True)


def test_the_shell_lines_of_the_documentation(server: Server, importer: Program) -> None:
    """Verbatim but for host, id and secret: a form with everything in the body."""
    url, form = f"{server.url}/v1/auth/token", "application/x-www-form-urlencoded"
    body = f"grant_type=client_credentials&client_id={importer.id}&client_secret={importer.secret}"
    first = requests.post(url, body, headers={"Content-Type": form}, timeout=PATIENCE)
    assert first.json().keys() >= {"access_token", "token_type", "expires_in", "refresh_token"}
    seed = make_program(importer.row.responsible, refresh_auth="rotation_only")
    body = f"grant_type=client_credentials&client_id={seed.id}&client_secret={seed.secret}"
    granted = requests.post(url, body, headers={"Content-Type": form}, timeout=PATIENCE).json()
    body = f"grant_type=refresh_token&refresh_token={granted['refresh_token']}&client_id={seed.id}"
    second = requests.post(url, body, headers={"Content-Type": form}, timeout=PATIENCE)
    assert second.status_code == 200
    assert second.json()["refresh_token"] != granted["refresh_token"]
