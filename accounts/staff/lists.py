"""The list page of every table in the admin: capped paging, and a search of bounded work."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.models import Organization
from accounts.staff.base import back_url
from accounts.staff.pagination import PER_PAGE, CappedPaginator, RowList
from accounts.staff.panels import Panel
from accounts.staff.search_terms import Typed
from ratelimit.admin import Page

# A search shows at most so many rows for each way in which a row can match.
MOST_FOUND = 1_000
MOST_ORGANIZATIONS = 200


class ListPage(Page):
    """A list page whose queries are bounded by what it shows, not by the table's size."""

    paginator = CappedPaginator
    list_per_page = PER_PAGE
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Only what an index orders, or what is a table of some ten thousand rows.
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def criteria(self, typed: Typed) -> list[Q]:
        """Return the conditions by which a row can match; each is a query of its own that uses an index."""
        return []

    # Whether the search over everything looks here as well.
    in_search: ClassVar[bool] = True

    def summary(self, row: Any) -> str:
        """Return the text beside the row's name in a search result."""
        return str(getattr(row, "organization", ""))

    def panel(self, request: HttpRequest, row: Any) -> Panel | None:
        """Return the panel above the form of a row."""
        return None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        context["show_save_and_add_another"] = False
        context["panel"] = panel = self.panel(request, row) if row else None
        if panel:
            context["allowed"] = allowed = self.get_actions(request)
            context["acts"] = [act for act in panel.acts if act.action in allowed]
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Redirect back to the page of the row on which the action was started."""
        response = super().response_action(request, queryset, *args, **kwargs)
        back = back_url(self, request)
        return HttpResponseRedirect(back) if back and isinstance(response, HttpResponseRedirect) else response

    def with_counts(self, rows: list[Any]) -> list[Any]:
        """Return the rows of the shown page, with data that the list does not load for all rows."""
        return rows

    def found(self, rows: QuerySet[Any], typed: Typed) -> QuerySet[Any]:
        keys: set[Any] = set()
        for criterion in self.criteria(typed):
            keys.update(rows.filter(criterion).order_by().values_list("pk", flat=True)[:MOST_FOUND])
        return rows.filter(pk__in=keys)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Django shows the search box only if there are fields; ``criteria`` does the search."""
        return ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        typed = Typed.of(search_term)
        return (self.found(queryset, typed) if typed.text else queryset), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RowList]:
        return RowList


def matching_organizations(typed: Typed) -> QuerySet[Organization, UUID]:
    """Return the ids of the first organizations whose name or slug contains the text."""
    named = Organization.objects.filter(Q(name__icontains=typed.text) | Q(slug__icontains=typed.text))
    return named.order_by().values_list("pk", flat=True)[:MOST_ORGANIZATIONS]
