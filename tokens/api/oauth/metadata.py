"""Authorization server metadata (RFC 8414) and public keys (RFC 7517)."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.permissions.catalogue import catalogue
from tokens.crypto import signing_keys
from tokens.models import OAuthClient
from tokens.models.client import RefreshAuth
from tokens.oauth.token_endpoint import GRANT_TYPES

SECRETS = ["client_secret_basic", "client_secret_post"]


@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """Return the metadata (RFC 8414 section 2). There is no authorization endpoint, so no response type."""
    names = (permission.name for resource in catalogue().resources for permission in resource.permissions)
    return JsonResponse(
        {
            "issuer": settings.BASE_URL,
            "token_endpoint": _address("oauth-token"),
            "revocation_endpoint": _address("oauth-revoke"),
            "introspection_endpoint": _address("oauth-introspect"),
            "jwks_uri": _address("jwks"),
            "response_types_supported": ["none"],
            "grant_types_supported": list(GRANT_TYPES),
            "scopes_supported": list(names),
            "token_endpoint_auth_methods_supported": [*SECRETS, *_without_secret()],
            "revocation_endpoint_auth_methods_supported": SECRETS,
            "introspection_endpoint_auth_methods_supported": SECRETS,
            "service_documentation": f"{settings.BASE_URL}/v1/auth/docs",
        }
    )


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """Return the keys that verify access tokens. A new key is published before it signs."""
    response = JsonResponse(signing_keys.current().public_jwks(time.time()))
    response["Cache-Control"] = f"public, max-age={signing_keys.JWKS_MAX_AGE}"
    return response


def _without_secret() -> list[str]:
    """Return ["none"] if a client exists that may refresh by its id alone."""
    clients = OAuthClient.objects.filter(deleted_at=None, refresh_auth=RefreshAuth.ROTATION_ONLY)
    return ["none"] if clients.exists() else []


def _address(name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name)}"


metadata.public = jwks.public = True  # type: ignore[attr-defined]
