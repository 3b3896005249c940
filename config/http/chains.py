"""Two middleware chains: pages run all middleware, the API only what bearer authentication needs.

`MIDDLEWARE` is one ordered list. API paths, which read no cookie, skip the middleware between the fork and
the join: sessions, CSRF, messages, sign-in and the policy of pages.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import local

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from accounts.errors import is_api

Handler = Callable[[HttpRequest], HttpResponseBase]

# API paths for browsers: the documentation, and the exchange of a browser's session.
FOR_BROWSERS = frozenset(("/v1/auth/docs", "/v1/auth/exchange"))

# Django builds the chain from the inside out, so the join is built before its fork.
_building = local()


class JoinMiddleware:
    """Marks the end of the middleware that the API skips; adds no step itself."""

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
