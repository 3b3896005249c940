"""JSON endpoints of indexes. A permission may name one of them alone: ``index:write:<uuid>``."""

from __future__ import annotations

from typing import ClassVar, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.fields import CamelCase, Instant, Name, StrictSerializer
from accounts.drf.pagination import PageLinks, PageQuery, SignedCursorPagination
from accounts.drf.tenancy import caller, organization_id
from accounts.errors import ErrorCode
from accounts.models.index import Index
from accounts.permissions.actor import Actor
from accounts.resources import indexes

UUID = OpenApiParameter("uuid", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)
READ, WRITE = "read", "write"
REFUSES: dict[str, tuple[ErrorCode, ...]] = dict.fromkeys(
    ("GET", "PATCH", "DELETE"), (errors.INSUFFICIENT_SCOPE,)
)


class IndexSerializer(CamelCase):
    uuid = serializers.UUIDField(source="id")
    name = serializers.CharField()
    created_at = Instant()


class IndexInput(StrictSerializer):
    name = Name(max_length=100, help_text="Unique among the organization's indexes.")


class IndexChange(StrictSerializer):
    unknown = "Only the name can be changed."

    name = Name(max_length=100, required=False)


class IndexPage(PageLinks):
    results = IndexSerializer(many=True)


@extend_schema(tags=["Indexes"])
class IndexesView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None, "POST": "index:write:*"}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = REFUSES

    @extend_schema(
        operation_id="listIndexes", summary="The indexes", parameters=[PageQuery], responses=IndexPage
    )
    def get(self, request: Request) -> Response:
        """Newest first. Needs `index:read:*`, or `index:read:<uuid>` and lists those indexes alone."""
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        mine = indexes.of_organization(organization_id(request))
        rows = indexes.allowed(mine, READ, cast(Actor, request.auth).scopes)
        pages = SignedCursorPagination("indexes", query.validated_data)
        page = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response(IndexSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createIndex",
        summary="Create an index",
        request=IndexInput,
        responses={201: IndexSerializer},
    )
    def post(self, request: Request) -> Response:
        """Its `uuid` is what `Tessera-Index-UUID` and permissions name it by."""
        given = IndexInput(data=request.data)
        inside = organization_id(request)
        values = given.checked(lambda name: indexes.is_taken(inside, name), indexes.TAKEN)
        index = indexes.create(organization_id=inside, actor=caller(request), **values)
        return Response(IndexSerializer(index).data, status=201)


@extend_schema(tags=["Indexes"], parameters=[UUID])
class IndexView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None, "PATCH": None, "DELETE": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = REFUSES

    @extend_schema(operation_id="readIndex", summary="One index", responses=IndexSerializer)
    def get(self, request: Request, uuid: str) -> Response:
        """Needs `index:read:<uuid>` or more."""
        return Response(IndexSerializer(self._find(request, uuid, READ)).data)

    @extend_schema(
        operation_id="changeIndex", summary="Rename an index", request=IndexChange, responses=IndexSerializer
    )
    def patch(self, request: Request, uuid: str) -> Response:
        """Needs `index:write:<uuid>` or more."""
        index = self._find(request, uuid, WRITE)
        change = IndexChange(data=request.data)
        values = change.checked(
            lambda name: indexes.is_taken(index.organization_id, name, but=index.pk), indexes.TAKEN
        )
        if values:
            index = indexes.rename(index=index, actor=caller(request), **values)
        return Response(IndexSerializer(index).data)

    @extend_schema(operation_id="deleteIndex", summary="Delete an index", responses={204: None})
    def delete(self, request: Request, uuid: str) -> Response:
        """Needs `index:write:<uuid>` or more. Permissions that name it stay, and reach nothing."""
        indexes.delete(index=self._find(request, uuid, WRITE), actor=caller(request))
        return Response(status=204)

    def _find(self, request: Request, uuid: str, action: str) -> Index:
        index = indexes.find(organization_id(request), indexes.parse_uuid(uuid))
        indexes.require(cast(Actor, request.auth), action, index)
        return index
