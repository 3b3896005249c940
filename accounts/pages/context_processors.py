"""Context of the page frame: the current organization, the others, and the colour scheme."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.authentication.current_organization import current_organization

THEMES = ("light", "dark")


def theme(request: HttpRequest) -> str:
    """Return the chosen colour scheme; "" follows the system."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in THEMES else ""


def workspace(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"theme": theme(request)}
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        found["workspace"] = current_organization(request)
    return found
