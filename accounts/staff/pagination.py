"""Paging of the admin's lists: the first 10,000 rows can be paged through, a larger total is estimated."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.views.main import ChangeList
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest

PER_PAGE = 50
MOST_ROWS = 10_000
TOTAL_SECONDS = 60

# Generic to the type checker and only to it.
if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator


class CappedPaginator(RowPaginator):
    """Counts at most one row more than can be paged through, to avoid reading the whole table."""

    @cached_property
    def count(self) -> int:
        return min(self.total, MOST_ROWS)

    @cached_property
    def total(self) -> int:
        """Exact up to MOST_ROWS. A larger one is the planner's estimate, on SQLite exact, and cached."""
        rows = cast("QuerySet[Any]", self.object_list).order_by()
        try:
            query = repr(rows.query.sql_with_params())
        except EmptyResultSet:
            return 0
        name = f"total:{sha256(query.encode()).hexdigest()}"
        if (known := cache.get(name)) is not None:
            return int(known)
        counted = rows[: MOST_ROWS + 1].count()
        if counted <= MOST_ROWS:
            return counted
        total = max(counted, estimate(rows))
        cache.set(name, total, TOTAL_SECONDS)
        return total


def estimate(rows: QuerySet[Any]) -> int:
    """Return PostgreSQL's estimate of the number of rows, which reads no row."""
    if connections[rows.db].vendor != "postgresql":
        return rows.count()
    [explained] = json.loads(rows.values("pk").explain(format="json"))
    return int(explained["Plan"]["Plan Rows"])


class RowList(ChangeList):
    """A change list with an estimated total, which passes the rows of the shown page to the admin."""

    total = 0

    @property
    def is_capped(self) -> bool:
        return self.total > MOST_ROWS

    @property
    def kept_filters(self) -> str:
        """Return the list's filters and order, which a new search keeps."""
        return str(self.get_query_string(remove=["q"]))

    @property
    def most_rows(self) -> int:
        return MOST_ROWS

    def get_ordering_field(self, field_name: Any) -> Any:
        """Sort only by columns that the page offers, whatever the query string names."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.total = self.paginator.total
        self.result_list = self.model_admin.with_counts(list(self.result_list))  # type: ignore[attr-defined]
