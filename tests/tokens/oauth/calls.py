"""OAuth clients for tests, and what they send to the token endpoint."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.test import Client

from accounts.models import Membership
from tests.support.people import actor, make_member
from tokens.models import OAuthClient
from tokens.oauth import clients

FORM = "application/x-www-form-urlencoded"
SCOPES = ("index:read:*", "events:write:*")


@dataclass(frozen=True)
class Program:
    """A client and its secret, as its owner has copied them."""

    row: OAuthClient
    secret: str

    @property
    def id(self) -> str:
        return self.row.public_id

    @property
    def body(self) -> dict[str, Any]:
        return {"client_id": self.id, "client_secret": self.secret}

    @property
    def basic(self) -> str:
        return basic(self.id, self.secret)

    def grant(self, **more: Any) -> dict[str, Any]:
        """The answer to client_credentials."""
        return ok(ask(grant_type="client_credentials", **self.body, **more))

    def refresh(self, refresh_token: str, **more: Any) -> Any:
        return ask(grant_type="refresh_token", refresh_token=refresh_token, **self.body, **more)


def make_program(member: Membership | None = None, **how: Any) -> Program:
    member = member or make_member()
    how = {"name": "Importer", "scopes": SCOPES} | how
    made = clients.create(actor=actor(member), **how)
    return Program(made.client, made.plaintext)


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1."""
    joined = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {b64encode(joined.encode()).decode()}"


def ask(path: str = "/v1/auth/token", *, headers: dict[str, str] | None = None, **form: Any) -> Any:
    return post(urlencode(form), path, headers=headers)


def post(
    body: str | bytes,
    path: str = "/v1/auth/token",
    *,
    content_type: str = FORM,
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> Any:
    return Client().post(path, body, content_type=content_type, headers=headers, **extra)


def ok(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def error(response: Any, status: int = 400) -> str:
    """The code of a refusal, whose form is that of RFC 6749 section 5.2."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) <= {"error", "error_description", "retry_after"}
    assert all(0x20 <= ord(c) <= 0x7E and c not in '"\\' for c in body["error_description"])
    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"
    assert response["Content-Type"] == "application/json"
    return str(body["error"])


def whoami(access_token: str) -> Any:
    return Client().get("/api/auth/whoami", headers={"Authorization": f"Bearer {access_token}"})
