"""Values of settings that stop the start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TENANT = r"common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PAGES = ("/accounts/", "/admin/", "/settings/", "/static/")


def validate(settings: Mapping[str, Any]) -> None:
    """Raise ImproperlyConfigured, naming the environment variable, for the first unusable value."""
    _validate_urls(settings)
    if settings["PRODUCTION"]:
        _validate_production(settings)
    _validate_single_sign_on(settings["SINGLE_SIGN_ON"])
    for name in ("INTERNAL_TOKENS", "MFA_ENCRYPTION_KEYS"):
        if any(len(secret) < 32 for secret in settings[name]):
            raise ImproperlyConfigured(f"{name} must each have at least 32 random characters.")
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if settings["LOG_FORMAT"] not in ("json", "console") or settings["LOG_LEVEL"] not in levels:
        raise ImproperlyConfigured(
            "LOG_FORMAT must be json or console, and LOG_LEVEL one of DEBUG, INFO, WARNING and ERROR."
        )


def _validate_production(settings: Mapping[str, Any]) -> None:
    if len(settings["SECRET_KEY"]) < 50 or len(set(settings["SECRET_KEY"])) < 5:
        raise ImproperlyConfigured(
            "SECRET_KEY must be set to at least 50 random characters when DEBUG is False."
        )
    if not settings["ALLOWED_HOSTS"] or "*" in settings["ALLOWED_HOSTS"]:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS must name the hosts this server answers for when DEBUG is False; * is refused."
        )


def _validate_urls(settings: Mapping[str, Any]) -> None:
    base = urlsplit(settings["BASE_URL"])
    if base.scheme not in ("http", "https") or not base.hostname:
        raise ImproperlyConfigured("BASE_URL must look like https://tessera.example.com")
    for prefix in settings["API_PREFIXES"]:
        if not re.fullmatch(r"/[A-Za-z0-9._/-]+/", prefix) or prefix.startswith(PAGES):
            raise ImproperlyConfigured(
                f"API_PREFIXES holds {prefix}: a prefix looks like /brands/"
                " and is no path of Tessera's pages."
            )
    for origin in settings["CORS_ALLOWED_ORIGINS"]:
        if not re.fullmatch(r"https?://[^/?#@\s*]+", origin):
            raise ImproperlyConfigured(
                f"CORS_ALLOWED_ORIGINS must list origins such as https://app.example.com; {origin} is none."
            )


def _validate_single_sign_on(providers: Mapping[str, Mapping[str, str]]) -> None:
    if not re.fullmatch(TENANT, providers["microsoft"]["tenant"]):
        raise ImproperlyConfigured(
            "MICROSOFT_TENANT must be a tenant's id in lower case, or common, organizations or consumers."
        )
    for slug, client in providers.items():
        if bool(client["client_id"]) != bool(client["client_secret"]):
            name = slug.upper()
            raise ImproperlyConfigured(f"Set both {name}_CLIENT_ID and {name}_CLIENT_SECRET, or neither.")
