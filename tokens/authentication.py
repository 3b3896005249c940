"""DRF's view of the bearer that the middleware has already verified."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ratelimit import limiter, refusals
from ratelimit.client import client_network
from ratelimit.refusals import Refusal, Refused
from ratelimit.values import WindowLimit
from tokens.credentials import Credential


class BearerAuthentication(BaseAuthentication):
    """``request.user`` and ``request.auth`` are the Credential; anything else raises Refused."""

    def authenticate(self, request: Request) -> tuple[Credential, Credential]:
        credential: Credential | None = request._request.credential  # type: ignore[attr-defined]
        if credential is None:
            raise refused(request._request)
        return credential, credential

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{refusals.REALM}"'


def refused(request: HttpRequest) -> Refused:
    """Why there is no credential; a well-shaped one is counted against its address first."""
    refusal: Refusal = request.refusal  # type: ignore[attr-defined]
    uncounted = (refusals.CREDENTIAL_REQUIRED, refusals.MALFORMED_TOKEN, refusals.UNAVAILABLE)
    if any(refusal is one for one in uncounted):
        return Refused(refusal)
    return counted(request, Refused(refusal))


def counted(request: HttpRequest, refused: Refused) -> Refused:
    """The refusal of a well-shaped secret, or of one too many from its address in this minute."""
    window = WindowLimit("refusals", f"refusals:{client_network(request)}", settings.REFUSALS_PER_MINUTE)
    admitted, ends_in = limiter.hit_window(window)
    return refused if admitted else Refused(refusals.RATE_LIMITED, retry_after=ends_in)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
