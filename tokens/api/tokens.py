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
    Lookup,
    Revocation,
    TokenChange,
    TokenPage,
    TokenQuery,
    TokenSerializer,
    TokenWish,
)
from tokens.models import ServiceAccountToken
from tokens.service_accounts import names, rename, search
from tokens.service_accounts.issue import AlreadyCreated, Issued, issue
from tokens.service_accounts.records import records
from tokens.service_accounts.revoke import revoke

VIEW, MANAGE = "tokens.view", "tokens.manage"
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")

TOKEN_ID = OpenApiParameter(
    "token_id", {"type": "string", "pattern": "^tok_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
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
        """Newest first; those that are active, unless `status` says otherwise.

        A token is `revoked` also when the member who answers for it has left the organization.
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
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
                OpenApiParameter.HEADER,
                description="A repeat with the same key within 24 hours makes no second token: it answers "
                "409 with the record, without the secret.",
            )
        ],
        request=TokenWish,
        responses={201: CreatedTokenSerializer},
        examples=[examples.WISH, examples.NEVER_EXPIRING_WISH],
    )
    def post(self, request: Request) -> Response:
        """The answer's `token` is the plaintext, which exists there and nowhere else.

        A new token may do no more than the credential that makes it.
        """
        wish = TokenWish(data=request.data)
        inside, now = organization_id(request), timezone.now()
        values = wish.checked(lambda name: names.is_taken(inside, name, now), names.TAKEN)
        key = idempotency_key(request)
        try:
            issued = issue(actor=caller(request), idempotency_key=key, **values)
        except AlreadyCreated as earlier:
            raise APIError(errors.ALREADY_CREATED, record=told(earlier.token)) from None
        return created(issued)


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="readToken", summary="One token", responses=TokenSerializer)
    def get(self, request: Request, token_id: str) -> Response:
        """Everything about a token but its secret."""
        return Response(told(find(request, token_id)))

    @extend_schema(
        operation_id="changeToken",
        summary="Rename or describe a token",
        request=TokenChange,
        responses=TokenSerializer,
    )
    def patch(self, request: Request, token_id: str) -> Response:
        """Permissions, expiry and secret never change."""
        token = find(request, token_id)
        change = TokenChange(data=request.data, partial=True)
        values = change.checked(lambda name: rename.is_taken(token, name), names.TAKEN)
        return Response(told(rename.rename(token=token, actor=caller(request), **values)))

    @extend_schema(operation_id="deleteToken", summary="Revoke a token", responses={204: None})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revokes at once and for good; a repeat changes nothing and answers the same. The record stays."""
        revoke(token=find(request, token_id), actor=caller(request))
        return Response(status=204)


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenRevocationView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}

    @extend_schema(
        operation_id="revokeToken",
        summary="Revoke a token and say why",
        request=Revocation,
        responses=TokenSerializer,
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Revokes at once and for good; of a repeat, the first reason stays."""
        token = find(request, token_id)
        revocation = Revocation(data=request.data)
        revocation.is_valid(raise_exception=True)
        return Response(told(revoke(token=token, actor=caller(request), **revocation.validated_data)))


@extend_schema(tags=["Tokens"])
class TokenLookupView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": VIEW}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.NOT_FOUND,)}

    @extend_schema(
        operation_id="lookUpToken",
        summary="Find the token of a secret",
        request=Lookup,
        responses=TokenSerializer,
    )
    def post(self, request: Request) -> Response:
        """Tells which of the organization's tokens a secret belongs to, whatever became of it."""
        lookup = Lookup(data=request.data)
        lookup.is_valid(raise_exception=True)
        tokens = search.of_organization(organization_id(request)).with_people()
        token = search.belonging_to(tokens, lookup.validated_data["token"])
        if token is None:
            raise APIError(errors.NOT_FOUND)
        return Response(told(token))


def find(request: Request, token_id: str) -> ServiceAccountToken:
    """The organization's token of that public id; raises APIError(not_found) for any other."""
    pk = parse_id("tok", token_id)
    token = search.of_organization(organization_id(request)).with_people().filter(pk=pk).first()
    if token is None:
        raise APIError(errors.NOT_FOUND)
    return token


def told(token: ServiceAccountToken) -> dict[str, Any]:
    [record] = records(token.organization_id, [token])
    return dict(TokenSerializer(record).data)


def created(issued: Issued) -> Response:
    """201 with the record and the plaintext."""
    token = issued.token
    body = told(token) | {"token": issued.plaintext}
    location = reverse("api-token", args=[token.public_id])
    return Response(body, status=201, headers={"Location": location})


def idempotency_key(request: Request) -> str:
    """The key as sent, "" without one; raises APIError (400) for one that is not visible ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        sentence = "An Idempotency-Key is 1 to 255 visible ASCII characters."
        raise APIError(errors.INVALID_REQUEST, fields={"Idempotency-Key": [sentence]})
    return key
