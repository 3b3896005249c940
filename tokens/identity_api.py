"""Who am I: the credential in its own words (seeds 001, 002, 004)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import ids
from tokens.credentials import Credential


def instant(moment: datetime | None) -> str | None:
    """ISO 8601, UTC, milliseconds, ``Z``."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class IdentityView(APIView):
    scopes = {"GET": None}

    def get(self, request: Request) -> Response:
        credential: Credential = request.auth
        return Response(describe(credential))


def describe(credential: Credential) -> dict[str, Any]:
    assert credential.organization_id is not None and credential.id is not None
    return {
        "authKind": credential.auth_kind,
        "organizationId": ids.encode("org", credential.organization_id),
        "organizationName": credential.organization_name,
        "effectivePermissions": list(credential.scopes.texts),
        "tokenId": ids.encode("tok", credential.id),
        "tokenName": credential.name,
        "tokenExpiresAt": instant(credential.expires_at),
    }
