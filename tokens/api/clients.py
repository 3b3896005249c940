"""JSON endpoints of OAuth clients, and the revocation of all credentials of an organization."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.pagination import PageQuery, SignedCursorPagination
from accounts.drf.tenancy import caller, organization_id, parse_id
from accounts.errors import APIError
from tokens.api.client_serializers import (
    ClientCreateSerializer,
    ClientPage,
    ClientSerializer,
    ClientUpdateSerializer,
    ClientWithSecretSerializer,
    RevokedCounts,
    SecretRotationSerializer,
)
from tokens.lifecycle.revoke_all import revoke_all
from tokens.models import OAuthClient
from tokens.oauth import client_records, clients
from tokens.oauth.clients import MANAGE, VIEW, ClientWithSecret

CLIENT_ID = OpenApiParameter(
    "client_id", {"type": "string", "pattern": "^cli_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
)


@extend_schema(tags=["OAuth clients"])
class ClientsView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "POST": MANAGE}

    @extend_schema(
        operation_id="listClients",
        summary="The OAuth clients",
        parameters=[PageQuery],
        responses=ClientPage,
    )
    def get(self, request: Request) -> Response:
        """Newest first; deleted ones are not among them."""
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = client_records.of_organization(organization_id(request))
        pages = SignedCursorPagination("clients", query.validated_data)
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(ClientSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createClient",
        summary="Create an OAuth client",
        request=ClientCreateSerializer,
        responses={201: ClientWithSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """`clientSecret` in the response is the plaintext. It is not stored and cannot be shown again.

        A new client has no more scopes than the credential that creates it. A client created by a program
        ends with it: it is deleted when that program is revoked or deleted, and refused once that has
        expired.
        """
        serializer = ClientCreateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        created = clients.create(actor=caller(request), **serializer.validated_data)
        location = reverse("api-client", args=[created.client.public_id])
        return Response(with_secret(created), status=201, headers={"Location": location})


@extend_schema(tags=["OAuth clients"], parameters=[CLIENT_ID])
class ClientView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="readClient", summary="One OAuth client", responses=ClientSerializer)
    def get(self, request: Request, client_id: str) -> Response:
        """Everything about a client but its secrets."""
        return Response(serialize(find(request, client_id)))

    @extend_schema(
        operation_id="changeClient",
        summary="Change an OAuth client",
        request=ClientUpdateSerializer,
        responses=ClientSerializer,
    )
    def patch(self, request: Request, client_id: str) -> Response:
        """Omitted fields stay as they are. Removed scopes no longer apply to issued tokens either."""
        client = find(request, client_id)
        change = ClientUpdateSerializer(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        clients.update(client=client, actor=caller(request), **change.validated_data)
        return Response(serialize(find(request, client_id)))

    @extend_schema(operation_id="deleteClient", summary="Delete an OAuth client", responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        """Deletes the client and revokes all its tokens. This cannot be undone. Repeating it is no error."""
        clients.delete(client=find(request, client_id, deleted=True), actor=caller(request))
        return Response(status=204)


@extend_schema(tags=["OAuth clients"], parameters=[CLIENT_ID])
class ClientSecretView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}

    @extend_schema(
        operation_id="rotateClientSecret",
        summary="Give an OAuth client a new secret",
        request=SecretRotationSerializer,
        responses=ClientWithSecretSerializer,
    )
    def post(self, request: Request, client_id: str) -> Response:
        """Earlier secrets stay valid for the overlap, so that the client's servers can be updated one by one.

        You must hold every scope of the client, because you will see its new secret. A secret that a program
        requests ends with the program, together with everything that was opened with it.
        """
        client = find(request, client_id)
        rotation = SecretRotationSerializer(data=request.data)
        rotation.is_valid(raise_exception=True)
        return Response(
            with_secret(
                clients.rotate_secret(client=client, actor=caller(request), **rotation.validated_data)
            )
        )


@extend_schema(tags=["OAuth clients"], parameters=[CLIENT_ID])
class ClientTokensView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"DELETE": MANAGE}

    @extend_schema(
        operation_id="revokeClientTokens",
        summary="Revoke all tokens of an OAuth client",
        responses={204: None},
    )
    def delete(self, request: Request, client_id: str) -> Response:
        """Access and refresh tokens are revoked at once. The client may obtain new ones with its secret."""
        clients.revoke_tokens(client=find(request, client_id), actor=caller(request))
        return Response(status=204)


@extend_schema(tags=["Organization"])
class RevokeAllView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": "organization.manage"}

    @extend_schema(
        operation_id="revokeEverything",
        summary="Revoke every credential of the organization",
        request=None,
        responses=RevokedCounts,
    )
    def post(self, request: Request) -> Response:
        """Revokes all service-account tokens, secrets and grants of OAuth clients, people's sessions and open
        invitations, including the caller's own credential.

        Clients and members stay: rotate a client's secret to get a new one; members sign in again.
        """
        return Response(RevokedCounts(revoke_all(actor=caller(request))).data)


def find(request: Request, client_id: str, *, deleted: bool = False) -> OAuthClient:
    """Return the organization's client of that public id. Raises APIError(not_found) for any other."""
    pk = parse_id("cli", client_id)
    found = client_records.of_organization(organization_id(request), deleted=deleted).filter(pk=pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def serialize(client: OAuthClient) -> dict[str, Any]:
    return dict(ClientSerializer(client).data)


def with_secret(created: ClientWithSecret) -> dict[str, Any]:
    client = client_records.of_organization(created.client.organization_id).get(pk=created.client.pk)
    return serialize(client) | {"clientSecret": created.plaintext}
