"""Who am I: the credential in its own words (seeds 001, 002, 004)."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import ids
from accounts.fields import CamelCase, Instant, instant
from ratelimit import refusals
from ratelimit.refusals import Refused
from tokens import examples
from tokens.credentials import Credential


class IdentitySerializer(CamelCase):
    """A service-account token's identity."""

    auth_kind = serializers.ChoiceField(choices=["api-token"])
    organization_id = serializers.CharField()
    organization_name = serializers.CharField()
    effective_permissions = serializers.ListField(
        child=serializers.CharField(), help_text="In the form in which each was granted."
    )
    token_id = serializers.CharField()
    token_name = serializers.CharField()
    token_expires_at = Instant(allow_null=True, help_text="null never expires.")


@extend_schema(tags=["Identity"])
class IdentityView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    @extend_schema(summary="Who am I", responses=IdentitySerializer, examples=[examples.IDENTITY])
    def get(self, request: Request) -> Response:
        """Confirms that a credential is valid and shows what it may do. Any credential may ask."""
        return Response(describe(cast(Credential, request.auth)))


def describe(credential: Credential) -> dict[str, Any]:
    """The body of IdentitySerializer, written by hand: nothing is asked as often as this."""
    if credential.organization_id is None or credential.id is None:
        raise Refused(refusals.FORBIDDEN)
    return {
        "authKind": credential.auth_kind,
        "organizationId": ids.encode("org", credential.organization_id),
        "organizationName": credential.organization_name,
        "effectivePermissions": list(credential.scopes.texts),
        "tokenId": ids.encode("tok", credential.id),
        "tokenName": credential.name,
        "tokenExpiresAt": instant(credential.expires_at),
    }
