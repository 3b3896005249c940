"""Two lanes through the middleware: pages pass all of it, programs only what a bearer needs.

`MIDDLEWARE` stays one list, in order: what stands between the fork and the join (sessions, CSRF, messages,
sign-in, the pages' policy) is passed by on the paths of programs, which read no cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import local

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from accounts.errors import is_api

Handler = Callable[[HttpRequest], HttpResponseBase]

# Under a program's prefix, but for browsers: the documentation, and the exchange of a browser's session.
FOR_BROWSERS = frozenset(("/v1/auth/docs", "/v1/auth/exchange"))

# Django builds a chain from the inside out and in one go, so a fork takes the join built just before it.
_building = local()


class JoinMiddleware:
    """Marks where the lanes meet again; it is no step of its own."""

    def __init__(self, get_response: Handler) -> None:
        _building.join = get_response
        raise MiddlewareNotUsed


class ForkMiddleware:
    def __init__(self, get_response: Handler) -> None:
        self.pages = get_response
        self.programs: Handler = _building.join

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request) and request.path_info not in FOR_BROWSERS:
            return self.programs(request)
        return self.pages(request)
