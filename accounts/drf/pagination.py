"""Pages of a list that grows while it is read: a signed cursor names the last row seen, never an offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from accounts import errors
from accounts.drf.fields import Query
from accounts.drf.tenancy import organization_id
from accounts.errors import Refused

Row = TypeVar("Row", bound=Model)

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


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    next: str | None
    previous: str | None

    def body(self, results: Any) -> dict[str, Any]:
        return {"results": results, "next": self.next, "previous": self.previous}


@dataclass(frozen=True, slots=True)
class _Cursor:
    """A direction and the row that it starts from, readable by one list of one organization only."""

    direction: str
    place: UUID | int


def paginate(
    request: Request, rows: QuerySet[Row], *, name: str, query: dict[str, Any], by: str = "pk"
) -> Page[Row]:
    """One page of ``rows``, newest id first; ``query`` is what PageQuery has validated.

    ``by`` is another unique column that counts them, where ids are in a different order.

    ``name`` tells this list's cursors from those of others. Raises Refused (400) for a cursor that
    was altered or belongs to another list or organization.
    """
    salt = f"cursor:{name}:{organization_id(request)}"
    limit: int = query["limit"]
    cursor = _read(query["cursor"], salt) if "cursor" in query else None
    backward = cursor is not None and cursor.direction == BEFORE
    if cursor is not None:
        rows = rows.filter(**{f"{by}__gt" if backward else f"{by}__lt": cursor.place})
    found = list(rows.order_by(by if backward else f"-{by}")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backward:
        found.reverse()
    if not found:
        return Page([], None, None)
    return Page(
        found,
        next=_link(request, AFTER, getattr(found[-1], by), salt) if more or backward else None,
        previous=_link(request, BEFORE, getattr(found[0], by), salt)
        if (more if backward else cursor)
        else None,
    )


def _link(request: Request, direction: str, place: UUID | int, salt: str) -> str:
    """This request's own address with another cursor in it."""
    parameters = request._request.GET.copy()
    parameters["cursor"] = signing.dumps(
        [direction, place.hex if isinstance(place, UUID) else place], salt=salt
    )
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def _read(text: str, salt: str) -> _Cursor:
    try:
        direction, place = signing.loads(text, salt=salt)
        return _Cursor(direction, place if isinstance(place, int) else UUID(hex=place))
    except (signing.BadSignature, ValueError):
        sentence = "This cursor does not belong to this list."
        raise Refused(errors.INVALID_REQUEST, fields={"cursor": [sentence]}) from None
