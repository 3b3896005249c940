"""Fixtures and steps of the tests that sign in at a provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.accounts.oidc import fake_provider
from tests.accounts.oidc.fake_provider import TENANT, FakeProvider
from tests.support.people import make_plan

MICROSOFT_ISSUER = "https://login.microsoftonline.com/{tenant}/v2.0"


@pytest.fixture
def google(db: None, settings: Any) -> Iterator[FakeProvider]:
    make_plan()
    with fake_provider.running() as provider:
        settings.SINGLE_SIGN_ON = settings.SINGLE_SIGN_ON | {
            "google": fake_provider.places(provider, provider.issuer)
        }
        yield provider


@pytest.fixture
def microsoft(db: None, settings: Any) -> Iterator[FakeProvider]:
    make_plan()
    with fake_provider.running(MICROSOFT_ISSUER.replace("{tenant}", TENANT)) as provider:
        provider.claims |= {"tid": TENANT, "oid": "an-object", "xms_edov": True, "email_verified": None}
        settings.SINGLE_SIGN_ON = settings.SINGLE_SIGN_ON | {
            "microsoft": fake_provider.places(provider, MICROSOFT_ISSUER) | {"tenant": TENANT}
        }
        yield provider


def begin(browser: Client, slug: str = "google", **form: str) -> str:
    """The address at the provider that the browser is sent to."""
    response = browser.post(f"/accounts/{slug}/login/", form)
    assert response.status_code == 302, response.content
    return response["Location"]


def come_back(browser: Client, answer: dict[str, str], slug: str = "google") -> Any:
    return browser.get(f"/accounts/{slug}/login/callback/", answer)


def sign_in_by(browser: Client, provider: FakeProvider, slug: str = "google", **form: str) -> Any:
    """All the way there and back."""
    return come_back(browser, provider.approve(begin(browser, slug, **form)), slug)


def is_inside(browser: Client) -> bool:
    return "_auth_user_id" in browser.session
