"""Bearer authentication (RFC 6750) of every request to the API."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from accounts import errors
from accounts.drf.exception_handler import exception_handler, is_store_failure
from accounts.drf.routes import routes
from accounts.errors import is_api
from tokens.credentials import expiry_header, first_use, forward_auth_paths, internal, outcome
from tokens.credentials.access_tokens import authenticate_jwt
from tokens.credentials.authentication import BearerAuthentication, refused
from tokens.credentials.cache import Found, RequestCredential
from tokens.credentials.credential import Credential
from tokens.credentials.known_digests import known_digests
from tokens.credentials.token_lookup import read_token
from tokens.crypto import access_jwt, opaque


class BearerMiddleware:
    """Sets ``request.credential``, which is None without a valid bearer token.

    Also sets ``request.credential_error``, why there is none, and ``request.freshness``, the
    RequestCredential for the limiter.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.freshness = None  # type: ignore[attr-defined]
        reads_bearer = is_api(request) and request.path_info not in without_bearer()
        try:
            outcome.store(request, resolve(request) if reads_bearer else errors.CREDENTIAL_REQUIRED)
        except (DatabaseError, InterfaceError) as exc:
            if not is_store_failure(exc):
                raise
            outcome.store(request, errors.UNAVAILABLE)
        response = self.get_response(request)
        expiry_header.write(response, request.credential)  # type: ignore[attr-defined]
        return response

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        """Refuse the request if the view requires a bearer token. DRF would do the same at a higher cost."""
        if request.credential is None and requires_bearer(view):  # type: ignore[attr-defined]
            return exception_handler(refused(request), {"request": request})
        return None


@cache
def without_bearer() -> frozenset[str]:
    """Return the paths of the API where a bearer token is not read and costs no look-up."""
    paths = (f"/{route.path}" for route in routes() if route.is_public and not route.parameters)
    return frozenset(paths) - forward_auth_paths.PATHS


@lru_cache(maxsize=1024)
def requires_bearer(view: Callable[..., Any]) -> bool:
    return BearerAuthentication in getattr(getattr(view, "cls", None), "authentication_classes", ())


def resolve(request: HttpRequest) -> Found:
    """Authenticate by the Authorization header (RFC 6750 section 2.1): one scheme, one token, no lists."""
    scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    raw = raw.strip(" ")
    if scheme.lower() != "bearer" or not raw:
        return errors.CREDENTIAL_REQUIRED
    if request.path_info.startswith(internal.PATH):
        return internal.CREDENTIAL if internal.matches(raw) else errors.INVALID_TOKEN
    if opaque.looks_real(raw):
        credential = RequestCredential(request, raw, read_token, known_digests.may_hold)
    elif access_jwt.looks_real(raw):
        credential = RequestCredential(request, raw, authenticate_jwt)
    else:
        return errors.MALFORMED_TOKEN
    found = credential.find()
    if isinstance(found, Credential) and found.awaits_first_use:
        first_use.record(found)
        # It may have advanced the organization's generation, which belongs to the credential.
        found = credential.find()
    if isinstance(found, Credential):
        request.freshness = credential  # type: ignore[attr-defined]
    return found
