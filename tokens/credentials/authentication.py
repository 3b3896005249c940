"""DRF authentication by the bearer token that the middleware has verified."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import errors
from accounts.errors import APIError
from tokens.credentials.credential import Credential


class BearerAuthentication(BaseAuthentication):
    """Sets ``request.user`` and ``request.auth`` to the Credential; raises APIError if there is none."""

    def authenticate(self, request: Request) -> tuple[Credential, Credential]:
        credential: Credential | None = request._request.credential  # type: ignore[attr-defined]
        if credential is None:
            raise refused(request._request)
        return credential, credential

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{errors.REALM}"'


def refused(request: HttpRequest) -> APIError:
    """Return why the request has no credential, as the middleware found."""
    error: APIError = request.credential_error  # type: ignore[attr-defined]
    return error


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
