"""System checks that stop the start: an endpoint or page without a guard, or with an unknown scope."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from rest_framework.views import APIView

from accounts.drf.permissions import HasScope
from accounts.drf.routes import Route, routes
from accounts.permissions.catalogue import catalogue
from accounts.permissions.scopes import parse

PAGES = "settings/"
# Guests choose a colour scheme too.
PUBLIC_PAGES = ("settings/theme/",)


@register
def check_endpoints(**_: Any) -> list[CheckMessage]:
    return [message for route in routes() for message in _of_route(route)]


def _of_route(route: Route) -> Iterator[CheckMessage]:
    if route.is_public:
        return
    if route.view is not None:
        yield from _of_endpoint(route, route.view)
    elif route.is_api:
        yield Error(
            f"{route.path} ({_file(route.callback)}) is an API path without a declared scope.",
            hint="Make its view an APIView with scopes, or set public = True on it.",
            id="accounts.E003",
        )
    elif route.path.startswith(PAGES):
        yield from _of_page(route)


def _of_page(route: Route) -> Iterator[CheckMessage]:
    scope: str | None = getattr(route.callback, "page_scope", None)
    if scope is not None:
        yield from _of_scope(route, scope)
    elif route.path not in PUBLIC_PAGES and not hasattr(route.callback, "page_scope"):
        yield Error(
            f"{route.path} ({_file(route.callback)}) is a page that is not guarded.",
            hint="Decorate it with page or personal_page of accounts.pages.decorators, or set public = True.",
            id="accounts.E004",
        )


def _of_endpoint(route: Route, view: type[APIView]) -> Iterator[CheckMessage]:
    name = f"{view.__name__} ({_file(view)}) at {route.path}"
    for method in sorted(route.methods):
        try:
            scope = route.scope(method)
        except KeyError:
            yield Error(
                f"{name} declares no scope for {method}.",
                hint=f'Add it: scopes = {{"{method}": "tokens.view"}} on the class, '
                f'@required_scopes({method}="tokens.view") on a function, or public = True on the view.',
                id="accounts.E001",
            )
        else:
            yield from _of_scope(route, scope) if scope is not None else ()
    if HasScope not in view.permission_classes or not view.authentication_classes:
        yield Error(
            f"{name} declares scopes that nothing checks.",
            hint="Leave authentication_classes and permission_classes as they are by default.",
            id="accounts.E002",
        )
    if not route.is_api:
        yield Error(
            f"{name} is outside of API_PREFIXES, so that no bearer is read there.",
            hint="Add the beginning of its path to the environment variable API_PREFIXES, such as /brands/.",
            id="accounts.E006",
        )


def _of_scope(route: Route, scope: str) -> Iterator[CheckMessage]:
    try:
        known = catalogue().knows(parse(scope))
    except ValueError:
        known = False
    if not known:
        view = route.view or route.callback
        yield Error(
            f"{view.__name__} ({_file(view)}) at {route.path} needs {scope}, which is no permission.",
            hint=f"Correct the name, or add it to PERMISSIONS_FILE ({settings.PERMISSIONS_FILE}).",
            id="accounts.E005",
        )


def _file(view: Callable[..., Any]) -> str:
    """The file of a view, below the project's folder where it lies there."""
    file = getattr(sys.modules.get(view.__module__), "__file__", None) or view.__module__
    return file.removeprefix(f"{settings.BASE_DIR}/")
