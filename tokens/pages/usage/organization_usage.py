"""Settings → Usage: calls by hour, day or month and caller, in short, in full, and as a CSV file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.models import Organization
from accounts.pages.decorators import PageRequest, page
from ratelimit.usage import reports
from tokens.pages.usage import summary
from tokens.pages.usage.csv_file import as_csv
from tokens.usage import refusals
from tokens.usage.chart import chart
from tokens.usage.forecast import Forecast, forecast
from tokens.usage.report import Figures, recent
from tokens.usage.spans import DAY, SPANS, chosen

VIEW = "usage.view"
PER_PAGE = 50


@require_safe
@page(VIEW)
def usage_page(request: PageRequest) -> HttpResponse:
    """Show the usage of ``?by=hour``, ``?by=day&days=7``, 30 or 90, or ``?by=month``."""
    now, organization = timezone.now(), request.membership.organization
    span, limit = chosen(request.GET), organization.effective_requests_per_day
    found, today = recent(organization.pk, span, now), reports.today(organization.pk, limit, now=now)
    # The limit is for a day, and is no line in a chart of hours or months.
    line = limit if span.unit is DAY else None
    rows = summary.latest_first(found)
    context = {
        "figures": found,
        "span": span,
        "spans": SPANS,
        "limit": limit,
        "line": line,
        "today": today,
        "forecast": _forecast(organization, found, today.used, now),
        "chart": chart(found.points, line),
        "callers": summary.callers(found),
        "periods": rows[: summary.MOST_PERIODS],
        "more_periods": len(rows) > summary.MOST_PERIODS,
        "refusals": refusals.refusals(organization.pk, found.first, found.last, now),
        "reason_days": refusals.DAYS_KEPT,
        **_rights(request),
    }
    return render(request, "tokens/usage/usage.html", context)


def _forecast(organization: Organization, found: Figures, used: int, now: datetime) -> Forecast | None:
    """Return the forecast of a limited plan; one query. ``found`` has the programs that called today."""
    limit = organization.effective_requests_per_day
    if limit is None:
        return None
    subjects = found.programs
    rows = reports.by_hour(organization.pk, now - timedelta(hours=1), now, subjects=subjects, now=now)
    return forecast(used, limit, [(row.hour, row.calls) for row in rows], now)


@require_safe
@page(VIEW)
def all_callers(request: PageRequest) -> HttpResponse:
    """Show every token and client of the span, including revoked and deleted ones."""
    return _all(request, "callers")


@require_safe
@page(VIEW)
def all_periods(request: PageRequest) -> HttpResponse:
    """Show every hour, day or month of the span."""
    return _all(request, "periods")


def _all(request: PageRequest, what: str) -> HttpResponse:
    span = chosen(request.GET)
    found = recent(request.membership.organization_id, span, timezone.now())
    rows: list[Any] = found.callers if what == "callers" else summary.latest_first(found)
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"figures": found, "span": span, "what": what, "page": shown, **_rights(request)}
    return render(request, "tokens/usage/usage_all.html", context)


def _rights(request: PageRequest) -> dict[str, bool]:
    return {
        "may_see_tokens": request.actor.allows("tokens.view"),
        "may_see_clients": request.actor.allows("clients.view"),
    }


@require_safe
@page(VIEW)
def export(request: PageRequest) -> HttpResponse:
    """Export the figures of the span."""
    organization = request.membership.organization
    found = recent(organization.pk, chosen(request.GET), timezone.now())
    name = f"usage-{organization.slug}-by-{found.unit.name}-{found.first}-{found.last}.csv"
    return HttpResponse(
        as_csv(found),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Cache-Control": "no-store",
        },
    )
