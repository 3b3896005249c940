"""Pages of a list that grows while it is read: a signed cursor names the last row seen, never an offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.core import signing
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.fields import Query
from accounts.drf.tenancy import organization_id
from accounts.errors import APIError

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
AFTER, BEFORE = "a", "b"


class PageQuery(Query):
    """The query parameters of every list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="Rows on one page."
    )
    cursor = serializers.CharField(
        required=False, max_length=500, help_text="Where a page begins, taken from `next` or `previous`."
    )


class PageLinks(serializers.Serializer[Any]):
    """The members beside ``results`` of every list."""

    next = serializers.URLField(allow_null=True, help_text="The next page's address, null on the last one.")
    previous = serializers.URLField(allow_null=True, help_text="The page before, null on the first one.")


class SignedCursorPagination(CursorPagination):
    """Pages with cursors that are signed for one list of one organization, newest first.

    DRF's own cursors are not signed: a caller could write one, or use it in another list.
    """

    base_url: str

    def __init__(self, name: str, query: dict[str, Any], *, ordering: str = "-pk") -> None:
        """``query`` is what PageQuery has validated; ``ordering`` is one unique column.

        ``name`` is part of a cursor, so that it works for this list only.
        """
        self.name, self.ordering, self.page_size = name, ordering, query["limit"]
        self.text: str | None = query.get("cursor")

    def paginate_queryset(
        self, queryset: QuerySet[Any, Row] | Sequence[Row], request: Request, view: APIView | None = None
    ) -> list[Row]:
        """One page of rows.

        Raises APIError (400) for a cursor that was altered or belongs to another list or organization.
        """
        self.salt = f"cursor:{self.name}:{organization_id(request)}"
        rows = super().paginate_queryset(queryset, request, view) or []
        if not rows:
            # DRF's previous link of an empty page would skip the row of the cursor.
            self.has_next = self.has_previous = False
        return rows

    def decode_cursor(self, request: Request) -> Cursor | None:
        if self.text is None:
            return None
        try:
            direction, position = signing.loads(self.text, salt=self.salt)
        except signing.BadSignature:
            sentence = "This cursor does not belong to this list."
            raise APIError(errors.INVALID_REQUEST, fields={"cursor": [sentence]}) from None
        return Cursor(offset=0, reverse=direction == BEFORE, position=position)

    def encode_cursor(self, cursor: Cursor) -> str:
        """Return the request's URL with another cursor. The column is unique, so the offset is 0."""
        direction = BEFORE if cursor.reverse else AFTER
        text = signing.dumps([direction, cursor.position], salt=self.salt)
        return replace_query_param(self.base_url, self.cursor_query_param, text)
