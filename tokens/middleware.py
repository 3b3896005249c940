"""Reads the Authorization header once: what it proves, or why not, is put on the request."""

from __future__ import annotations

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from ratelimit import refusals
from ratelimit.refusals import Refusal, is_api
from tokens import internal, opaque, signed
from tokens.access_tokens import for_jwt
from tokens.credentials import Credential, for_token


class BearerMiddleware:
    """Sets ``request.credential`` (None without a good bearer) and ``request.refusal`` (why)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        credential, refusal = None, refusals.CREDENTIAL_REQUIRED
        if is_api(request):
            try:
                found = resolve(request.META.get("HTTP_AUTHORIZATION", ""), request.path_info)
            except (OperationalError, InterfaceError):
                found = refusals.UNAVAILABLE
            if isinstance(found, Refusal):
                refusal = found
            else:
                credential = found
        request.credential, request.refusal = credential, refusal  # type: ignore[attr-defined]
        return self.get_response(request)


def resolve(header: str, path: str) -> Credential | Refusal:
    """RFC 6750 section 2.1 and nothing else: one scheme, one credential, no lists, no other places."""
    scheme, _, raw = header.partition(" ")
    raw = raw.strip(" ")
    if scheme.lower() != "bearer" or not raw:
        return refusals.CREDENTIAL_REQUIRED
    if path.startswith(internal.PATH):
        return internal.CREDENTIAL if internal.matches(raw) else refusals.INVALID_TOKEN
    if opaque.looks_real(raw):
        return for_token(raw)
    if signed.looks_real(raw):
        return for_jwt(raw)
    return refusals.MALFORMED_TOKEN
