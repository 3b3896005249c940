"""The npm library @supabase/auth-js against a running server, unmodified: the password grant is its shape."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support.npm_packages import folder, run
from tests.support.people import PASSWORD
from tests.support.servers import Servers
from tests.support.sessions import make_person

__all__ = ["folder"]


@pytest.mark.django_db(transaction=True)
def test_auth_js_works_unmodified(folder: Path, servers: Servers, settings: Settings) -> None:
    # What the server checks passwords with; the tests' own hasher is a quick one.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    [server] = servers(1)
    ada = make_person(email="ada@example.com", name="Ada")
    key = ada.organization.publishable_key
    before = time.time()
    found = run(folder, "supabase.mjs", server.url, key, "ada@example.com", PASSWORD)
    assert found["wrong"] == {"status": 401, "message": "Invalid e-mail or password"}
    assert found["user"]["id"] == ada.user.public_id
    assert found["user"]["email"] == "ada@example.com"
    assert found["user"]["role"] == "owner"
    assert found["session"]["token_type"] == "bearer"
    assert before + 3500 < found["session"]["expires_at"] < time.time() + 3700
    assert found["refreshed"]["refresh_token"] != found["session"]["refresh_token"]
    assert found["kept"]["id"] == ada.user.public_id
    assert (found["whoami"]["status"], found["whoami"]["body"]["userId"]) == (200, ada.user.public_id)
