"""Where mail goes, from EMAIL_URL."""

from __future__ import annotations

from typing import Any

import environ


def mail_settings(url: str) -> dict[str, Any]:
    """Django's settings for the URL; ``filemail:///path`` means that very path, from the root."""
    found: dict[str, Any] = environ.Env.email_url_config(url)
    if found.get("EMAIL_FILE_PATH"):
        # django-environ drops the first slash, and the rest would lie below wherever the server was started.
        found["EMAIL_FILE_PATH"] = "/" + found["EMAIL_FILE_PATH"].lstrip("/")
    return found
