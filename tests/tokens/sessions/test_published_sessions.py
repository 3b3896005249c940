"""The published lines about sessions and passwords, run by curl and by a client library, unchanged but for
the host and the credentials."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
from oauthlib.oauth2 import LegacyApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import PASSWORD
from tests.support.servers import Servers
from tests.support.sessions import make_person
from tokens.models import RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "operator@example.com"

PASSWORD_GRANT = """\
curl -X POST "https://mtxbiyilvgwhbdptysex.supabase.co/auth/v1/token?grant_type=password" \\
  -H "apikey: YOUR_ANON_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "email": "[email protected]",
    "password": "your-password"
  }'"""
USE = """\
curl -X GET "https://mtxbiyilvgwhbdptysex.supabase.co/functions/v1/endpoint" \\
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \\
  -H "Content-Type: application/json\""""
REFRESH_GRANT = """\
curl -X POST "https://mtxbiyilvgwhbdptysex.supabase.co/auth/v1/token?grant_type=refresh_token" \\
  -H "apikey: YOUR_ANON_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "refresh_token": "YOUR_REFRESH_TOKEN"
  }'"""
LOGIN = """\
curl -X POST https://api.getsly.ai/v1/auth/login \\
  -H "Content-Type: application/json" \\
  -d '{
    "email": "operator@example.com",
    "password": "..."
  }'"""
USE_SESSION = """\
curl https://api.getsly.ai/v1/accounts \\
  -H "Authorization: Bearer eyJ...\""""
REFRESH = """\
curl -X POST https://api.getsly.ai/v1/auth/refresh \\
  -H "Content-Type: application/json" \\
  -d '{ "refresh_token": "..." }'"""


@dataclass(frozen=True)
class Line:
    """A published line on our host. ``/functions/v1/endpoint`` and ``/v1/accounts`` are a customer's own."""

    url: str

    def run(self, line: str, **exchanged: str) -> Any:
        hosts = {"https://mtxbiyilvgwhbdptysex.supabase.co": self.url, "https://api.getsly.ai": self.url}
        own = {"/functions/v1/endpoint": "/api/auth/whoami", "/v1/accounts": "/api/auth/whoami"}
        for was, is_now in (hosts | own | exchanged).items():
            line = line.replace(was, is_now)
        done = subprocess.run(
            ["/bin/sh", "-c", line + " --silent --fail-with-body"], capture_output=True, check=False
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return json.loads(done.stdout)


@pytest.fixture
def line(servers: Servers) -> Line:
    return Line(servers(1)[0].url)


@pytest.fixture
def operator(settings: Any) -> Membership:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    return make_person(role=Role.ADMIN, email=EMAIL)


def test_a_password_is_exchanged_used_and_refreshed(line: Line, operator: Membership) -> None:
    key = {"YOUR_ANON_KEY": operator.organization.publishable_key}
    granted = line.run(PASSWORD_GRANT, **key, **{"[email protected]": EMAIL, "your-password": PASSWORD})
    keys = {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
    assert granted.keys() == keys
    assert (granted["token_type"], granted["expires_in"]) == ("bearer", 3600)
    results = line.run(USE, YOUR_ACCESS_TOKEN=granted["access_token"])
    assert results["userId"] == operator.user.public_id
    again = line.run(REFRESH_GRANT, **key, YOUR_REFRESH_TOKEN=granted["refresh_token"])
    assert again.keys() == granted.keys()
    assert again["refresh_token"] != granted["refresh_token"]


def test_a_person_signs_in_calls_and_refreshes(line: Line, operator: Membership) -> None:
    session = line.run(LOGIN, **{'"..."': f'"{PASSWORD}"'})
    assert session["access_token"].startswith("eyJ")
    assert session["expires_in"] == 900
    assert session["user"]["id"].startswith("usr_")
    assert session["user"]["role"] == "admin"
    results = line.run(USE_SESSION, **{"eyJ...": session["access_token"]})
    assert results["userId"] == operator.user.public_id
    again = line.run(REFRESH, **{'"..."': f'"{session["refresh_token"]}"'})
    assert again.keys() == session.keys()


def test_the_context_knows_the_person(line: Line, operator: Membership) -> None:
    session = line.run(LOGIN, **{'"..."': f'"{PASSWORD}"'})
    use = {"/v1/accounts": "/api/v1/context", "eyJ...": session["access_token"]}
    results = line.run(USE_SESSION.replace("/v1/accounts", use.pop("/v1/accounts")), **use)
    assert {name: results[name] for name in ("actorType", "userId", "userRole", "userName")} == {
        "actorType": "user",
        "userId": operator.user.public_id,
        "userRole": "admin",
        "userName": "operator",
    }


@pytest.fixture
def insecure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of a test speaks plain http, which the library refuses unless an option allows it."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def test_requests_oauthlib_uses_the_password_grant(line: Line, operator: Membership, insecure: None) -> None:
    address = f"{line.url}/auth/v1/token?grant_type="
    session = OAuth2Session(client=LegacyApplicationClient(client_id="shop"))
    key = {"apikey": operator.organization.publishable_key}
    token = session.fetch_token(address + "password", username=EMAIL, password=PASSWORD, headers=key)
    assert token["expires_in"] == 3600
    assert session.get(f"{line.url}/api/auth/whoami").json()["userId"] == operator.user.public_id
    renewed = session.refresh_token(address + "refresh_token")
    assert renewed["refresh_token"] != token["refresh_token"]
    assert RefreshToken.objects.count() == 2
    with pytest.raises(OAuth2Error):
        session.fetch_token(address + "password", username=EMAIL, password="wrong", headers=key)
