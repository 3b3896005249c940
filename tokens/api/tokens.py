"""JSON endpoints of service-account tokens."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.pagination import SignedCursorPagination
from accounts.drf.tenancy import caller, organization_id, parse_id
from accounts.errors import APIError, ErrorCode
from tokens.api import examples
from tokens.api.token_serializers import (
    CreatedTokenSerializer,
    RevocationSerializer,
    TokenCreateSerializer,
    TokenLookupSerializer,
    TokenPage,
    TokenQuery,
    TokenSerializer,
    TokenUpdateSerializer,
)
from tokens.models import ServiceAccountToken
from tokens.service_accounts import names, search, update
from tokens.service_accounts.issue import AlreadyCreated, Issued, issue
from tokens.service_accounts.records import records
from tokens.service_accounts.revoke import revoke

VIEW, MANAGE = "tokens.view", "tokens.manage"
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")

TOKEN_ID = OpenApiParameter(
    "token_id", {"type": "string", "pattern": "^tok_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
)
IDEMPOTENT = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="A repeat with the same key within 24 hours creates no second secret: it returns 409 with "
    "the record, without the secret.",
)


@extend_schema(tags=["Tokens"])
class TokensView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (errors.TOKEN_LIMIT_REACHED, errors.ALREADY_CREATED)
    }

    @extend_schema(
        operation_id="listTokens", summary="The tokens", parameters=[TokenQuery], responses=TokenPage
    )
    def get(self, request: Request) -> Response:
        """Newest first; active ones by default.

        A token is also `revoked` if its responsible member has left the organization.
        """
        query = TokenQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted, now = query.validated_data, timezone.now()
        inside = organization_id(request)
        tokens = search.with_status(search.of_organization(inside), wanted["status"], now)
        tokens = search.matching(tokens, wanted["q"]).with_people()
        pages = SignedCursorPagination("tokens", wanted)
        found = records(inside, pages.paginate_queryset(tokens, request), now)
        return pages.get_paginated_response(TokenSerializer(found, many=True).data)

    @extend_schema(
        operation_id="createToken",
        summary="Create a token",
        parameters=[IDEMPOTENT],
        request=TokenCreateSerializer,
        responses={201: CreatedTokenSerializer},
        examples=[examples.EXPIRING_IN_A_YEAR, examples.NEVER_EXPIRING],
    )
    def post(self, request: Request) -> Response:
        """`token` in the response is the plaintext. It is not stored and cannot be shown again.

        A new token has no more permissions than the credential that creates it.
        """
        serializer = TokenCreateSerializer(data=request.data)
        inside, now = organization_id(request), timezone.now()
        values = serializer.checked(lambda name: names.is_taken(inside, name, now), names.TAKEN)
        key = idempotency_key(request)
        try:
            issued = issue(actor=caller(request), idempotency_key=key, **values)
        except AlreadyCreated as earlier:
            raise APIError(errors.ALREADY_CREATED, record=serialize(earlier.token)) from None
        return created(issued)


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "PATCH": (errors.TOKEN_NOT_ACTIVE, errors.FORBIDDEN)
    }

    @extend_schema(operation_id="readToken", summary="One token", responses=TokenSerializer)
    def get(self, request: Request, token_id: str) -> Response:
        """Everything about a token but its secret."""
        return Response(serialize(find(request, token_id)))

    @extend_schema(
        operation_id="changeToken",
        summary="Change or narrow a token",
        request=TokenUpdateSerializer,
        responses=TokenSerializer,
        examples=[examples.NARROWING, examples.WITH_METADATA],
    )
    def patch(self, request: Request, token_id: str) -> Response:
        """Fields that are left out stay as they are.

        `permissions` and `expiresAt` can only become narrower; what the token created is narrowed with it.
        After 200 the removed permissions are refused everywhere. Of a token that has expired or was revoked
        only `name`, `description` and `metadata` can be changed.
        """
        token = find(request, token_id)
        change = TokenUpdateSerializer(data=request.data, partial=True)
        values = change.checked(lambda name: update.is_taken(token, name), names.TAKEN)
        return Response(serialize(update.update(token=token, actor=caller(request), **values)))

    @extend_schema(operation_id="deleteToken", summary="Revoke a token", responses={204: None})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revokes at once; this cannot be undone. Repeating it is no error. The record stays."""
        revoke(token=find(request, token_id), actor=caller(request))
        return Response(status=204)


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenRevocationView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}

    @extend_schema(
        operation_id="revokeToken",
        summary="Revoke a token with a reason",
        request=RevocationSerializer,
        responses=TokenSerializer,
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Revokes at once; this cannot be undone. After a repeat, the first reason stays."""
        token = find(request, token_id)
        revocation = RevocationSerializer(data=request.data)
        revocation.is_valid(raise_exception=True)
        return Response(serialize(revoke(token=token, actor=caller(request), **revocation.validated_data)))


@extend_schema(tags=["Tokens"])
class TokenLookupView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": VIEW}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.NOT_FOUND,)}

    @extend_schema(
        operation_id="lookUpToken",
        summary="Find the token of a secret",
        request=TokenLookupSerializer,
        responses=TokenSerializer,
    )
    def post(self, request: Request) -> Response:
        """Returns the organization's token of a secret, also if it has expired or was revoked."""
        lookup = TokenLookupSerializer(data=request.data)
        lookup.is_valid(raise_exception=True)
        tokens = search.of_organization(organization_id(request)).with_people()
        token = search.belonging_to(tokens, lookup.validated_data["token"])
        if token is None:
            raise APIError(errors.NOT_FOUND)
        return Response(serialize(token))


def find(request: Request, token_id: str) -> ServiceAccountToken:
    """Return the organization's token of that public id. Raises APIError(not_found) for any other."""
    pk = parse_id("tok", token_id)
    token = search.of_organization(organization_id(request)).with_people().filter(pk=pk).first()
    if token is None:
        raise APIError(errors.NOT_FOUND)
    return token


def serialize(token: ServiceAccountToken) -> dict[str, Any]:
    [record] = records(token.organization_id, [token])
    return dict(TokenSerializer(record).data)


def created(issued: Issued) -> Response:
    """Return 201 with the record and the plaintext."""
    token = issued.token
    body = serialize(token) | {"token": issued.plaintext}
    location = reverse("api-token", args=[token.public_id])
    return Response(body, status=201, headers={"Location": location})


def idempotency_key(request: Request) -> str:
    """Return the key, or "". Raises APIError(invalid_request) for one that is not visible ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        sentence = "An Idempotency-Key is 1 to 255 visible ASCII characters."
        raise APIError(errors.INVALID_REQUEST, fields={"Idempotency-Key": [sentence]})
    return key
