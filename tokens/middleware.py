"""Reads the Authorization header once: what it proves, or why not, is put on the request."""

from __future__ import annotations

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from ratelimit import refusals
from ratelimit.refusals import Refusal, is_api
from tokens import credentials
from tokens.credentials import Credential


class BearerMiddleware:
    """Sets ``request.credential`` (None without a good bearer) and ``request.refusal`` (why)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        credential, refusal = None, refusals.CREDENTIAL_REQUIRED
        if is_api(request):
            try:
                found = resolve(request.META.get("HTTP_AUTHORIZATION", ""))
            except (OperationalError, InterfaceError):
                found = refusals.UNAVAILABLE
            if isinstance(found, Refusal):
                refusal = found
            else:
                credential = found
        request.credential, request.refusal = credential, refusal  # type: ignore[attr-defined]
        return self.get_response(request)


def resolve(header: str) -> Credential | Refusal:
    """RFC 6750 section 2.1 and nothing else: one scheme, one token68, no lists, no other places."""
    scheme, _, raw = header.partition(" ")
    if scheme.lower() != "bearer":
        return refusals.CREDENTIAL_REQUIRED
    raw = raw.strip(" ")
    if not raw:
        return refusals.CREDENTIAL_REQUIRED
    return credentials.for_token(raw)
