"""Pages of one API token, and its change."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import typeid
from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page
from accounts.permissions import picker
from ratelimit.usage import reports
from tokens.listing.rows import Row, rows, tokens_of
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.pages import token_history
from tokens.pages.forms import EditForm
from tokens.pages.usage import token_calls
from tokens.service_accounts import expiry, pause_report
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.rotation_progress import progress, superseded_uses
from tokens.service_accounts.update import update

VIEW = "tokens.view"


@require_safe
@page(VIEW)
def token_detail(request: PageRequest, token_id: str) -> HttpResponse:
    row = found_row(request, token_id)
    calls = reports.last_24_hours(row.token.organization_id, [row.token.pk])
    superseded = superseded_uses(row.token, row.now) if row.is_live else []
    context = {
        "row": row,
        "calls_24h": calls.get(row.token.pk, 0),
        "pause": pause_report.report(row.token, row.now),
        # The warnings about superseded secrets say the same in more detail.
        "refused_label": "" if superseded else row.refused_label,
        "sentence": picker.sentence(row.token.permissions),
        "children": ServiceAccountToken.objects.filter(parent=row.token).active(row.now),
        "clients": OAuthClient.objects.filter(parent=row.token, deleted_at=None),
        "progress": progress(row.record, row.now),
        "superseded_uses": superseded,
        "renewal": expiry.chosen(request.membership.organization),
        "may_manage": request.actor.allows(MANAGE),
        "events": token_history.events(request, row.token),
        **token_calls.calls(request, row),
    }
    return render(request, "tokens/service_accounts/token.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def edit(request: PageRequest, token_id: str) -> HttpResponse:
    """Change what may change either way."""
    row = found_row(request, token_id)
    data = request.POST if request.method == "POST" else None
    form = EditForm(data, token=row.token, has_ended=not row.is_live)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                update(token=row.token, actor=request.actor, **form.changes)
            except APIError as exc:
                status = form.add_refusal(exc)
            else:
                messages.success(request, "Saved.")
                return redirect("token_detail", row.token.public_id)
    context = {"row": row, "form": form}
    return render(request, "tokens/service_accounts/token_edit.html", context, status=status)


def found_row(request: PageRequest, token_id: str) -> Row:
    """Return the row of the organization's token. Raises Http404 for any other."""
    try:
        pk = typeid.decode("tok", token_id)
        mine = tokens_of(request.membership.organization).with_people()
        return rows([mine.get(pk=pk)], timezone.now())[0]
    except (ValueError, ServiceAccountToken.DoesNotExist):
        raise Http404 from None
