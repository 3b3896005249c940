"""Every route of the product, from the URL resolver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Scopes = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` is as in the URL configuration: ``api/v1/tokens/<str:token_id>``."""

    path: str
    callback: Callable[..., Any]
    parameters: tuple[str, ...]

    @property
    def view(self) -> type[APIView] | None:
        """Return the view class of an API endpoint; None for a page."""
        found = getattr(self.callback, "cls", None)
        return found if isinstance(found, type) and issubclass(found, APIView) else None

    @property
    def methods(self) -> frozenset[str]:
        """The methods that an endpoint serves: of a ViewSet, those that its router bound to an action."""
        served = getattr(self.callback, "actions", None) or self.view
        return frozenset(one for one in METHODS if _serves(served, one.lower()))

    def scope(self, method: str) -> str | None:
        """Return the declared scope of a method; raises KeyError if none is declared."""
        declared: Scopes = getattr(self.callback, "initkwargs", {}).get("scopes") or getattr(
            self.view, "scopes", {}
        )
        action = (getattr(self.callback, "actions", None) or {}).get(method.lower())
        return declared[action if action in declared else method]

    @property
    def is_api(self) -> bool:
        """Whether its path belongs to the API (JSON, bearer token)."""
        return f"/{self.path}".startswith(settings.API_PREFIXES)

    @property
    def is_public(self) -> bool:
        return bool(getattr(self.view or self.callback, "public", False))


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[Route]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        elif isinstance(entry, URLPattern):
            yield Route(path, entry.callback, tuple(entry.pattern.regex.groupindex))


def _serves(served: Any, method: str) -> bool:
    return method in served if isinstance(served, dict) else hasattr(served, method)
