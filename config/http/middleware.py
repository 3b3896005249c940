"""The outermost middleware: request IDs, headers of every response, and the body of every error."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.utils.cache import patch_vary_headers

from accounts import errors
from accounts.audit import request_context
from accounts.drf.exception_handler import api_error_of, exception_handler
from accounts.errors import APIError, is_api
from accounts.permissions import required
from config.http import error_views, health, request_checks
from config.http.access_log import request_done
from ratelimit.client_ip import client_ip
from tokens.api import forward_auth
from tokens.credentials import forward_auth_paths

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BY_STATUS = {
    400: errors.INVALID_REQUEST,
    403: errors.FORBIDDEN,
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    413: errors.PAYLOAD_TOO_LARGE,
    500: errors.INTERNAL_ERROR,
    503: errors.UNAVAILABLE,
}


def api_headers() -> dict[str, str]:
    """Return the headers of every API response; pages get theirs from Django's own middleware."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if settings.SECURE:
        headers["Strict-Transport-Security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return headers


class EdgeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.api_headers = tuple(api_headers().items())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)  # type: ignore[attr-defined]
        request_context.begin(client_ip(request), request.id)  # type: ignore[attr-defined]
        required.begin()
        api = is_api(request)
        response = self._answer(request, api=api)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        if api:
            response = self._as_api(response)
            if request.path_info == forward_auth_paths.FOR_NGINX:
                forward_auth.adapt_to_nginx(response)
        else:
            response = _as_page(request, response)
        _measure(request, response)
        request_done(request, response, started, api=api)
        return response

    def _answer(self, request: HttpRequest, *, api: bool) -> HttpResponseBase:
        # Probes come before the checks of host and https, because balancers use an IP address and plain http.
        if request.path_info in health.PROBES and request.method in ("GET", "HEAD"):
            return health.PROBES[request.path_info]()
        try:
            request_checks.check(request, api=api)
        except APIError as exc:
            response = error_views.respond(request, exc)
            if exc.error is errors.METHOD_NOT_ALLOWED:
                response["Allow"] = ", ".join(sorted(request_checks.METHODS))
            return response
        return self.get_response(request)

    def _as_api(self, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code >= 400 and response.get("Content-Type", "").startswith("text/html"):
            _convert_to_json(response)
        headers = response.headers
        for name, value in self.api_headers:
            headers.setdefault(name, value)
        if "Vary" in headers:
            patch_vary_headers(response, ("Authorization", "Cookie"))
        else:
            headers["Vary"] = "Authorization, Cookie"
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Answer the exception of a view; None lets Django answer with its 400, 403, 404 or 500 page."""
        if is_api(request):
            response = exception_handler(exc, {"request": request})
            return response or error_views.internal_error(request, exc)
        error = api_error_of(exc)
        if error is None:
            return None
        ours = isinstance(exc, APIError | UnreadablePostError) or error.error is errors.UNAVAILABLE
        return error_views.respond(request, error, exc) if ours else None


def _measure(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set Content-Length if it is known, and remove the body for HEAD: gunicorn logs a warning for each."""
    if isinstance(response, HttpResponse):
        if "Content-Length" not in response.headers and response.status_code not in (204, 304):
            response.headers["Content-Length"] = str(len(response.content))
        if request.method == "HEAD":
            response.content = b""
    elif request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()


def _convert_to_json(response: HttpResponseBase) -> None:
    """Replace Django's own pages (DEBUG's technical ones, an empty 405) by the JSON body of their status."""
    error = _BY_STATUS.get(response.status_code)
    if error is not None and isinstance(response, HttpResponse):
        response.content = errors.response(error).content
        response["Content-Type"] = "application/json"
        response.headers.pop("Content-Length", None)


def _as_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Forbid caches to store the page of a signed-in user, without loading a session for that."""
    session = getattr(request, "session", None)
    # A 503 page may be that of a session whose database is unavailable.
    if session is not None and session.accessed and (response.status_code == 503 or SESSION_KEY in session):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
