"""JSON endpoints of OAuth clients, and the end of everything an organization's credentials may do."""

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
    ClientChange,
    ClientPage,
    ClientSerializer,
    ClientWish,
    ClientWithSecretSerializer,
    RevokedCounts,
    SecretRotation,
)
from tokens.lifecycle.revoke_all import revoke_all
from tokens.models import OAuthClient
from tokens.oauth import client_records, clients
from tokens.oauth.clients import MANAGE, VIEW, WithSecret

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
        request=ClientWish,
        responses={201: ClientWithSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """The answer's `clientSecret` is the plaintext, which exists there and nowhere else.

        A new client may do no more than the credential that makes it. One that a program creates ends with
        it: it is deleted when that is revoked or deleted, and refused once that has expired.
        """
        wish = ClientWish(data=request.data)
        wish.is_valid(raise_exception=True)
        made = clients.create(actor=caller(request), **wish.validated_data)
        location = reverse("api-client", args=[made.client.public_id])
        return Response(with_secret(made), status=201, headers={"Location": location})


@extend_schema(tags=["OAuth clients"], parameters=[CLIENT_ID])
class ClientView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="readClient", summary="One OAuth client", responses=ClientSerializer)
    def get(self, request: Request, client_id: str) -> Response:
        """Everything about a client but its secrets."""
        return Response(told(find(request, client_id)))

    @extend_schema(
        operation_id="changeClient",
        summary="Change an OAuth client",
        request=ClientChange,
        responses=ClientSerializer,
    )
    def patch(self, request: Request, client_id: str) -> Response:
        """Fields that are left out stay as they are. Fewer scopes bind tokens that are out as well."""
        client = find(request, client_id)
        change = ClientChange(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        clients.update(client=client, actor=caller(request), **change.validated_data)
        return Response(told(find(request, client_id)))

    @extend_schema(operation_id="deleteClient", summary="Delete an OAuth client", responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        """Ends the client and all its tokens at once and for good; a repeat answers the same."""
        clients.delete(client=find(request, client_id, deleted=True), actor=caller(request))
        return Response(status=204)


@extend_schema(tags=["OAuth clients"], parameters=[CLIENT_ID])
class ClientSecretView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}

    @extend_schema(
        operation_id="rotateClientSecret",
        summary="Give an OAuth client a new secret",
        request=SecretRotation,
        responses=ClientWithSecretSerializer,
    )
    def post(self, request: Request, client_id: str) -> Response:
        """The secrets before it stay good for the overlap, so that the client's servers can change over.

        Whoever rotates holds the new secret, so they must hold all that the client may do. A secret that a
        program asks for ends with the program, and everything that was opened by it as well.
        """
        client = find(request, client_id)
        rotation = SecretRotation(data=request.data)
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
        """Access and refresh tokens end at once; with its secret the client may get new ones."""
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
        """Ends all service-account tokens, secrets and grants of OAuth clients, people's sessions and open
        invitations, the caller's own credential included.

        Clients and members stay: rotate a client's secret to get a new one; members sign in again.
        """
        return Response(RevokedCounts(revoke_all(actor=caller(request))).data)


def find(request: Request, client_id: str, *, deleted: bool = False) -> OAuthClient:
    """The organization's client of that public id; raises APIError(not_found) for any other."""
    pk = parse_id("cli", client_id)
    found = client_records.of_organization(organization_id(request), deleted=deleted).filter(pk=pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def told(client: OAuthClient) -> dict[str, Any]:
    return dict(ClientSerializer(client).data)


def with_secret(made: WithSecret) -> dict[str, Any]:
    client = client_records.of_organization(made.client.organization_id).get(pk=made.client.pk)
    return told(client) | {"clientSecret": made.plaintext}
