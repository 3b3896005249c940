"""Settings → Usage: calls by day and caller, in short, in full, and as a CSV file."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.audit.export import escape_formula
from accounts.pages.decorators import PageRequest, page
from ratelimit.usage import reports
from tokens.pages import usage_summary
from tokens.service_accounts.usage_chart import chart
from tokens.service_accounts.usage_report import RANGES, Figures, chosen_range, recent

VIEW = "usage.view"
PER_PAGE = 50
COLUMNS = ("date", "type", "id", "name", "calls", "refused")


@require_safe
@page(VIEW)
def usage_page(request: PageRequest) -> HttpResponse:
    """Show the usage of ``?days=7``, 30 or 90."""
    organization = request.membership.organization
    days = chosen_range(request.GET.get("days"))
    found = recent(organization.pk, days, timezone.now())
    limit, by_day = organization.effective_requests_per_day, usage_summary.days(found)
    context = {
        "figures": found,
        "days": days,
        "ranges": RANGES,
        "limit": limit,
        "today": reports.today(organization.pk, limit),
        "chart": None if found.is_empty else chart(found.points, limit),
        "callers": usage_summary.callers(found),
        "by_day": by_day[: usage_summary.MOST_DAYS],
        "more_days": len(by_day) > usage_summary.MOST_DAYS,
        **_rights(request),
    }
    return render(request, "tokens/usage/usage.html", context)


@require_safe
@page(VIEW)
def all_callers(request: PageRequest) -> HttpResponse:
    """Show every token and client of the range, including revoked and deleted ones."""
    return _all(request, "callers")


@require_safe
@page(VIEW)
def all_days(request: PageRequest) -> HttpResponse:
    """Show every day of the range."""
    return _all(request, "days")


def _all(request: PageRequest, what: str) -> HttpResponse:
    days = chosen_range(request.GET.get("days"))
    found = recent(request.membership.organization_id, days, timezone.now())
    rows: list[Any] = found.callers if what == "callers" else usage_summary.days(found)
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"figures": found, "days": days, "what": what, "page": shown, **_rights(request)}
    return render(request, "tokens/usage/usage_all.html", context)


def _rights(request: PageRequest) -> dict[str, bool]:
    return {
        "may_see_tokens": request.actor.allows("tokens.view"),
        "may_see_clients": request.actor.allows("clients.view"),
    }


@require_safe
@page(VIEW)
def export(request: PageRequest) -> HttpResponse:
    """Export the figures as CSV: a line for each day and caller with calls."""
    organization = request.membership.organization
    found = recent(organization.pk, chosen_range(request.GET.get("days")), timezone.now())
    name = f"usage-{organization.slug}-{found.first}-{found.last}.csv"
    return HttpResponse(
        _as_csv(found),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Cache-Control": "no-store",
        },
    )


def _as_csv(found: Figures) -> str:
    file = io.StringIO()
    # Quoted, because some spreadsheets split cells at semicolons.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for day, counts in found.by_day.items():
        for caller, count in sorted(counts.items(), key=lambda one: (one[0].name, one[0].public_id)):
            name = escape_formula(caller.name)
            writer.writerow([str(day), caller.kind, caller.public_id, name, count.calls, count.refused])
    return file.getvalue()
