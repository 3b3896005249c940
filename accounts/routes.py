"""Every route of the product, read off the URL resolver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` is as in the URL configuration: ``api/v1/tokens/<str:token_id>``."""

    path: str
    callback: Callable[..., Any]
    parameters: tuple[str, ...]

    @property
    def view(self) -> type[APIView] | None:
        """The class behind an endpoint of the API; None for a page."""
        found = getattr(self.callback, "cls", None)
        return found if isinstance(found, type) and issubclass(found, APIView) else None

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
