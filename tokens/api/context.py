"""The request context of seed 004, with the index and end user that the headers of seed 003 name."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors, typeid
from accounts.drf.fields import CamelCase, Instant
from accounts.drf.tenancy import organization_id
from accounts.errors import APIError, ErrorCode
from accounts.models.index import EndUser, Index
from accounts.permissions.roles import Role
from accounts.resources import end_users, indexes
from tokens.credentials.credential import Credential

INDEX_HEADER, USER_HEADER = "Tessera-Index-UUID", "Tessera-User-UUID"
UUID_VERSION = 7
UUID7_PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
ABSENT: dict[str, Any] = dict.fromkeys(
    (
        "user_id",
        "user_role",
        "user_name",
        "session_id",
        "token_id",
        "token_name",
        "client_id",
        "client_name",
    )
)


class ContextIndex(CamelCase):
    uuid = serializers.UUIDField(source="id")
    name = serializers.CharField()


class ContextEndUser(CamelCase):
    uuid = serializers.UUIDField()
    created_at = Instant()


class ContextSerializer(CamelCase):
    """Members that do not apply to the kind of credential are null."""

    actor_type = serializers.ChoiceField(choices=["user", "service_account", "client"])
    auth_kind = serializers.ChoiceField(choices=["session", "api-token", "oauth-client"])
    user_id = serializers.CharField(allow_null=True)
    user_role = serializers.ChoiceField(choices=Role.choices, allow_null=True)
    user_name = serializers.CharField(allow_null=True)
    session_id = serializers.CharField(allow_null=True)
    token_id = serializers.CharField(allow_null=True)
    token_name = serializers.CharField(allow_null=True)
    client_id = serializers.CharField(allow_null=True)
    client_name = serializers.CharField(allow_null=True)
    organization_id = serializers.CharField()
    organization_name = serializers.CharField()
    index = ContextIndex(allow_null=True)
    end_user = ContextEndUser(allow_null=True)


@extend_schema(tags=["Identity"])
class ContextView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "GET": (errors.INSUFFICIENT_SCOPE, errors.NOT_FOUND, end_users.LIMIT_REACHED)
    }

    @extend_schema(
        operation_id="readContext",
        summary="The context of this request",
        parameters=[
            OpenApiParameter(
                INDEX_HEADER,
                {"type": "string", "format": "uuid"},
                OpenApiParameter.HEADER,
                description="An index of the organization; needs `index:read:<uuid>`.",
            ),
            OpenApiParameter(
                USER_HEADER,
                {"type": "string", "format": "uuid", "pattern": UUID7_PATTERN},
                OpenApiParameter.HEADER,
                description="UUIDv7 of an end user, whose record is created on first use. Not authenticated.",
            ),
        ],
        responses=ContextSerializer,
    )
    def get(self, request: Request) -> Response:
        """Returns actor and organization, and the index and end user of the headers. Needs no permission."""
        body = describe(cast(Credential, request.auth)) | {
            "index": index_of(request),
            "end_user": end_user_of(request),
        }
        return Response(ContextSerializer(body).data)


def index_of(request: Request, action: str = "read") -> Index | None:
    """Return the index that the request names, or None. The caller must be allowed to do ``action`` to it.

    Raises APIError: invalid_request for a malformed header, not_found, insufficient_scope.
    """
    text = request.headers.get(INDEX_HEADER)
    if text is None:
        return None
    uuid = indexes.parse_uuid(text)
    if uuid is None:
        raise _malformed(INDEX_HEADER, "This is not a UUID.")
    index = indexes.find(organization_id(request), uuid)
    indexes.require(cast(Credential, request.auth), action, index)
    return index


def end_user_of(request: Request) -> EndUser | None:
    """Return the end user that the request names, or None.

    Raises APIError: invalid_request for anything but a UUIDv7, and as end_users.find_or_create does.
    """
    text = request.headers.get(USER_HEADER)
    if text is None:
        return None
    uuid = indexes.parse_uuid(text)
    if uuid is None or uuid.version != UUID_VERSION:
        raise _malformed(USER_HEADER, "This is not a UUID of version 7.")
    return end_users.find_or_create(organization_id(request), uuid)


def describe(credential: Credential) -> dict[str, Any]:
    """Return the members of ContextSerializer that depend only on the credential."""
    if credential.organization_id is None or credential.id is None:
        raise APIError(errors.FORBIDDEN)
    name = credential.name
    found = ABSENT | {
        "actor_type": credential.type,
        "auth_kind": credential.auth_kind,
        "organization_id": typeid.encode("org", credential.organization_id),
        "organization_name": credential.organization_name,
    }
    if credential.type == "service_account":
        return found | {"token_id": typeid.encode("tok", credential.id), "token_name": name}
    if credential.type == "client":
        return found | {"client_id": typeid.encode("cli", credential.id), "client_name": name}
    session_id = typeid.encode("ses", credential.grant_id) if credential.grant_id else None
    user_id = typeid.encode("usr", credential.id)
    return found | {
        "user_id": user_id,
        "user_role": credential.role,
        "user_name": name,
        "session_id": session_id,
    }


def _malformed(header: str, sentence: str) -> APIError:
    return APIError(errors.INVALID_REQUEST, fields={header: [sentence]})
