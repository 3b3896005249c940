"""The identity of the calling credential (seeds 001, 002, 004)."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors, typeid
from accounts.drf.fields import CamelCase, Instant, instant
from accounts.errors import APIError
from accounts.permissions.roles import Role
from tokens.api import examples
from tokens.credentials.credential import Credential


class Identity(CamelCase):
    """The members common to every credential."""

    organization_id = serializers.CharField()
    organization_name = serializers.CharField()
    effective_permissions = serializers.ListField(
        child=serializers.CharField(), help_text="In the form in which each was granted."
    )


class TokenIdentity(Identity):
    """A service-account token, which acts for its organization."""

    auth_kind = serializers.ChoiceField(choices=["api-token"])
    token_id = serializers.CharField()
    token_name = serializers.CharField()
    token_expires_at = Instant(allow_null=True, help_text="null never expires.")
    metadata = serializers.DictField(child=serializers.CharField())
    organization_metadata = serializers.DictField(child=serializers.CharField())


class SessionIdentity(Identity):
    """A person, with the current role and permissions."""

    auth_kind = serializers.ChoiceField(choices=["session"])
    actor_type = serializers.ChoiceField(choices=["user"])
    user_id = serializers.CharField()
    user_name = serializers.CharField()
    user_email = serializers.EmailField()
    user_role = serializers.ChoiceField(choices=Role.choices)
    session_id = serializers.CharField()
    session_expires_at = Instant(help_text="The expiry of the access token used.")


class ClientIdentity(Identity):
    """An OAuth client, with the scope of its access token."""

    auth_kind = serializers.ChoiceField(choices=["oauth-client"])
    actor_type = serializers.ChoiceField(choices=["client"])
    client_id = serializers.CharField()
    client_name = serializers.CharField()
    scope = serializers.CharField()


ANY_IDENTITY = PolymorphicProxySerializer(
    component_name="AnyIdentity",
    serializers=[TokenIdentity, SessionIdentity, ClientIdentity],
    resource_type_field_name=None,
)


@extend_schema(tags=["Identity"])
class IdentityView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    @extend_schema(summary="Who am I", responses=ANY_IDENTITY, examples=[examples.IDENTITY])
    def get(self, request: Request) -> Response:
        """Confirms that a credential is valid and shows its permissions. Needs no permission."""
        return Response(describe(cast(Credential, request.auth)))


def describe(credential: Credential) -> dict[str, Any]:
    """Return the body of the credential's kind. Built by hand, because it is requested most often."""
    if credential.organization_id is None or credential.id is None:
        raise APIError(errors.FORBIDDEN)
    of_kind = {"api-token": _of_token, "session": _of_session, "oauth-client": _of_client}[
        credential.auth_kind
    ]
    return {
        "authKind": credential.auth_kind,
        "organizationId": typeid.encode("org", credential.organization_id),
        "organizationName": credential.organization_name,
        "effectivePermissions": list(credential.scopes.texts),
        **of_kind(credential, credential.id),
    }


def _of_token(credential: Credential, pk: UUID) -> dict[str, Any]:
    return {
        "tokenId": typeid.encode("tok", pk),
        "tokenName": credential.name,
        "tokenExpiresAt": instant(credential.expires_at),
        "metadata": credential.metadata,
        "organizationMetadata": credential.organization_metadata,
    }


def _of_session(credential: Credential, pk: UUID) -> dict[str, Any]:
    return {
        "actorType": credential.type,
        "userId": typeid.encode("usr", pk),
        "userName": credential.name,
        "userEmail": credential.user_email,
        "userRole": credential.role,
        "sessionId": typeid.encode("ses", credential.grant_id) if credential.grant_id else None,
        "sessionExpiresAt": instant(credential.expires_at),
    }


def _of_client(credential: Credential, pk: UUID) -> dict[str, Any]:
    return {
        "actorType": credential.type,
        "clientId": typeid.encode("cli", pk),
        "clientName": credential.name,
        "scope": " ".join(credential.scopes.texts),
    }
