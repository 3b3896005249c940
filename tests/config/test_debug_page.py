"""DEBUG's page about a fault is for developers, and holds no secret of the settings all the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.urls("tests.config.edge_urls"), pytest.mark.django_db]


def test_it_shows_no_secret_of_the_settings(settings: Any) -> None:
    settings.DEBUG = True
    settings.REDIS_URL = "redis://:the-password-of-redis@127.0.0.1:1/0"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": settings.REDIS_URL}}
    settings.INTERNAL_TOKENS = ["an-internal-token-that-nobody-may-read"]
    settings.SINGLE_SIGN_ON = {"google": {"client_secret": "the-secret-of-google"}}
    response = Client(raise_request_exception=False).get("/page/raise/fault")
    assert response.status_code == 500
    page = response.content.decode()
    assert "RuntimeError" in page
    for secret in ("the-password", "nobody-may-read", "of-google", settings.SECRET_KEY):
        assert secret not in page
