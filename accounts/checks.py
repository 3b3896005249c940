"""System checks of the doors: an endpoint or a page that nobody guarded stops the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from rest_framework.views import APIView

from accounts.access import HasScope
from accounts.routes import Route, routes
from ratelimit.refusals import API_PREFIXES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGES = "settings/"
# Guests choose a colour scheme too.
PUBLIC_PAGES = ("settings/theme/",)


@register
def check_doors(**_: Any) -> list[CheckMessage]:
    return [message for route in routes() for message in _of_route(route)]


def _of_route(route: Route) -> Iterator[CheckMessage]:
    if route.is_public:
        return
    if route.view is not None:
        yield from _of_endpoint(route, route.view)
    elif f"/{route.path}".startswith(API_PREFIXES):
        yield Error(
            f"{route.path} is an API path without a declared scope.",
            hint="Make its view an APIView with scopes, or set public = True on it.",
            id="accounts.E003",
        )
    elif route.path.startswith(PAGES) and not _is_guarded(route):
        yield Error(
            f"{route.path} is a page that is not guarded.",
            hint="Decorate its view with accounts.access.page, or set public = True on it.",
            id="accounts.E004",
        )


def _is_guarded(route: Route) -> bool:
    return route.path in PUBLIC_PAGES or hasattr(route.callback, "page_scope")


def _of_endpoint(route: Route, view: type[APIView]) -> Iterator[CheckMessage]:
    scopes = getattr(view, "scopes", {})
    for method in METHODS:
        if hasattr(view, method.lower()) and method not in scopes:
            yield Error(
                f"{view.__name__} at {route.path} declares no scope for {method}.",
                hint='Add it to scopes = {"GET": "tokens.view"}, or set public = True on the view.',
                id="accounts.E001",
            )
    if HasScope not in view.permission_classes or not view.authentication_classes:
        yield Error(
            f"{view.__name__} at {route.path} declares scopes that nothing checks.",
            hint="Leave authentication_classes and permission_classes as they are by default.",
            id="accounts.E002",
        )
