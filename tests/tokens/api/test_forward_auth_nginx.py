"""/api/auth/verify/nginx: auth_request lets 2xx, 401 and 403 through, so headers carry the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.wsgi import ask
from tokens.credentials import cache
from tokens.crypto import opaque
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
URL = "/api/auth/verify/nginx"
READ = f"{URL}?require=index:read:*"


def meant(response: Any) -> tuple[int, str, str]:
    """The status that nginx sees, the one that is meant, and the code of the body that nginx is to send."""
    results = response.headers
    return response.status_code, results["X-Tessera-Status"], json.loads(results["X-Tessera-Body"])["code"]


def test_what_passes_needs_no_translation(issued: Issued) -> None:
    response = program(issued).get(READ)
    assert response.status_code == 204
    assert "X-Tessera-Status" not in response.headers
    assert response["X-Tessera-Subject"] == issued.token.public_id


def test_401_and_403_stay_what_they_are(owner: Membership, client: Client) -> None:
    assert meant(client.get(READ)) == (401, "401", "credential_required")
    unknown = program(opaque.new().plaintext).get(READ)
    assert meant(unknown) == (401, "401", "invalid_token")
    assert unknown["WWW-Authenticate"] == 'Bearer realm="tessera", error="invalid_token"'
    lacking = program(make_token(owner, permissions=["tokens.view"])).get(READ)
    assert meant(lacking) == (403, "403", "insufficient_scope")
    assert lacking["WWW-Authenticate"].endswith('scope="index:read:*"')


def test_429_is_a_403_that_says_so(owner: Membership, issued: Issued) -> None:
    owner.organization.requests_per_day = 1
    owner.organization.save()
    client = program(issued)
    assert client.get(READ).status_code == 204
    over = client.get(READ)
    assert meant(over) == (403, "429", "rate_limited")
    assert json.loads(over["X-Tessera-Body"])["retry_after"] == int(over["Retry-After"])
    assert over["X-RateLimit-Remaining"] == "0"


def test_503_is_a_403_that_says_so(issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any) -> None:
        raise OperationalError("the database is unavailable")

    monkeypatch.setattr(cache.RequestCredential, "_from_sql", unavailable)
    response = program(issued).get(READ)
    assert meant(response) == (403, "503", "unavailable")
    assert response["Retry-After"] == "5"


def test_a_fault_is_a_403_that_says_so(
    api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tokens.api.forward_auth.question", lambda query: 1 / 0)
    api.raise_request_exception = False
    assert meant(api.get(READ)) == (403, "500", "internal_error")


def test_a_proxy_that_asks_wrongly_gets_a_403_that_says_so(api: Any) -> None:
    assert meant(api.get(f"{URL}?require=")) == (403, "400", "invalid_request")
    assert meant(api.get(f"{URL}?permission=index:read:*")) == (403, "400", "invalid_request")


def test_what_the_edge_refuses_is_translated_too(issued: Issued) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {issued.plaintext}"}
    for target, method, status in (
        (f"{READ}&require={'x' * 5_000}", "GET", "414"),
        (f"{READ}%00", "GET", "400"),
        (READ, "TRACE", "405"),
    ):
        answer = ask(method, target, environ=bearer)
        assert (answer.status, answer.headers["X-Tessera-Status"]) == (403, status)


def test_a_body_too_long_for_a_header_is_left_out(owner: Membership) -> None:
    many = "&".join(f"require=index:write:{number:03}-{'x' * 150}" for number in range(20))
    response = program(make_token(owner)).get(f"{URL}?{many}")
    assert (response.status_code, response["X-Tessera-Status"]) == (403, "403")
    assert "X-Tessera-Body" not in response.headers
    assert len(response.json()["required"]) == 20


def test_other_paths_say_nothing_of_it(client: Client) -> None:
    for path in ("/api/auth/verify", "/api/auth/whoami"):
        assert not [name for name in client.get(path).headers if name.startswith("X-Tessera-")]
