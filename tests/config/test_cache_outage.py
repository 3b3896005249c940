"""An unreachable Redis leaves Django's cache empty, and breaks neither sign-in nor the admin."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from accounts.staff import pagination
from tests.accounts.authentication.sign_in_by import google, sign_in_by
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.support.people import make_token
from tests.support.sessions import login, make_person
from tests.tokens.sessions.test_second_factor import code_of

__all__ = ["google"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unreachable(settings: Any) -> None:
    # Nothing listens on port 1.
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": settings.REDIS_URL}}
    cache.set("name", "value")
    assert cache.get("name") is None


def test_a_provider_signs_in_and_is_asked_for_its_keys_each_time(google: FakeProvider) -> None:
    assert [sign_in_by(Client(), google).status_code for _ in range(2)] == [302, 302]
    assert google.asked.count("/keys") == 2


def test_a_code_of_the_second_factor_signs_in_once() -> None:
    secret = generate_totp_secret()
    TOTP.activate(make_person(email="ada@example.com").user, secret)
    code = code_of(secret)
    assert login("ada@example.com", code=code).status_code == 200
    assert login("ada@example.com", code=code).json()["code"] == "invalid_code"


def test_a_long_list_of_the_admin_is_shown(
    staff: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MOST_ROWS", 1)
    make_token(owner)
    make_token(owner)
    response = staff.get(reverse("admin:tokens_serviceaccounttoken_changelist"))
    assert (response.status_code, response.context["cl"].is_capped) == (200, True)
