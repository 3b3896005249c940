"""Settings, Usage: calls by day and by token against the plan, to look at and to take away."""

from __future__ import annotations

import csv
import io

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.access import PageRequest, page
from accounts.audit_export import harmless
from ratelimit import usage
from tokens.usage_chart import chart
from tokens.usage_figures import RANGES, Figures, chosen_range, figures

VIEW = "usage.view"
COLUMNS = ("date", "type", "id", "name", "calls", "refused")


@require_safe
@page(VIEW)
def usage_page(request: PageRequest) -> HttpResponse:
    """The range stands in the address: ``?days=7``, 30 or 90."""
    organization = request.membership.organization
    days = chosen_range(request.GET.get("days"))
    found = figures(organization.pk, days, timezone.now())
    limit = organization.daily_limit
    context = {
        "figures": found,
        "days": days,
        "ranges": RANGES,
        "limit": limit,
        "today": usage.today(organization.pk, limit),
        "chart": None if found.is_empty else chart(found, limit),
        "by_day": list(reversed(found.days.items())),
        "may_see_tokens": request.actor.allows("tokens.view"),
        "may_see_clients": request.actor.allows("clients.view"),
    }
    return render(request, "settings/usage.html", context)


@require_safe
@page(VIEW)
def export(request: PageRequest) -> HttpResponse:
    """The same figures as a file: a line for each day and caller that has any."""
    organization = request.membership.organization
    found = figures(organization.pk, chosen_range(request.GET.get("days")), timezone.now())
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
    # Quotes keep a name in its cell where a spreadsheet parts lines at semicolons.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    cells = sorted(found.cells.items(), key=lambda one: (one[0][0], one[0][1].name, one[0][1].public_id))
    for (day, caller), count in cells:
        name = harmless(caller.name)
        writer.writerow([str(day), caller.kind, caller.public_id, name, count.calls, count.refused])
    return file.getvalue()
