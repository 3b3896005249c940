"""The permission class that requires a view's declared scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.permissions.actor import Actor
from accounts.permissions.required import require

if TYPE_CHECKING:
    from rest_framework.views import APIView

V = TypeVar("V", bound=Callable[..., Any])


class HasScope(BasePermission):
    """Requires the scope in the view's ``scopes``, by method or ViewSet action; a missing entry is an error.

    ``scopes = {"GET": "orders.view"}`` or ``{"list": "orders.view", "cancel": "orders.manage"}``. None as a
    scope accepts any credential of an organization. A function gets them by ``required_scopes``.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted = declared_scope(view, request.method or "")
        if wanted is not None:
            require(cast(Actor, request.auth).scopes, [wanted])
        return True


def declared_scope(view: APIView, method: str) -> str | None:
    """Return the scope of a view's method; raises MethodNotAllowed, or ImproperlyConfigured if undeclared."""
    scopes: dict[str, str | None] = getattr(view, "scopes", {})
    if (action := getattr(view, "action", None)) in scopes:
        return scopes[cast(str, action)]
    if method == "HEAD":
        method = "GET"
    if method == "OPTIONS":
        return None
    if method not in scopes:
        # DRF checks permissions before it checks whether the view has such a method.
        if method not in view.allowed_methods:
            raise MethodNotAllowed(method)
        raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {method}.")
    return scopes[method]


def required_scopes(**scopes: str | None) -> Callable[[V], V]:
    """Declare the scopes of a function view: ``@required_scopes(GET="orders.view")`` above ``@api_view``."""

    def decorate(view: V) -> V:
        view.cls.scopes = scopes  # type: ignore[attr-defined]
        return view

    return decorate
