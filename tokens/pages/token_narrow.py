"""The page that narrows a token, after a review of what remains and what is removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page
from accounts.permissions import picker
from ratelimit.statistics.counts import Names
from ratelimit.statistics.reports import used_permissions
from tokens.listing.permission_chips import PermissionChips
from tokens.listing.rows import Row
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.pages.narrow_form import NarrowForm
from tokens.pages.tokens import found_row
from tokens.service_accounts.impact import impact_of
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.update import update
from tokens.usage.permission_use import by_permission, refused_by

TEMPLATE = "tokens/service_accounts/token_narrow.html"
# So many of the permissions that calls needed are named.
SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def narrow(request: PageRequest, token_id: str) -> HttpResponse:
    """Show the form; with its fields in the query string, the review; by POST, narrow the token."""
    row = found_row(request, token_id)
    token = row.token
    if not row.is_live:
        messages.info(request, f"“{token.name}” is no longer active: there is nothing to narrow.")
        return redirect("token_detail", token.public_id)
    required = used_permissions(token.organization_id, [token.pk], now=row.now)[token.pk]
    if request.method == "POST":
        form = NarrowForm(request.POST, token=token, now=row.now)
        if form.is_valid() and _narrowed(request, form):
            messages.success(
                request, f"Narrowed “{token.name}”. What you removed is refused from the next call on."
            )
            return redirect("token_detail", token.public_id)
        return render(request, TEMPLATE, _context(row, form, required), status=422)
    data, kept = (request.GET if "review" in request.GET else None), request.GET.getlist("permissions")
    form = NarrowForm(data, token=token, now=row.now, kept=kept)
    context = _context(row, form, required)
    if not form.is_bound:
        return render(request, TEMPLATE, context)
    if not form.is_valid():
        return render(request, TEMPLATE, context, status=422)
    return render(request, TEMPLATE, context | _review(row, form, required))


def _narrowed(request: PageRequest, form: NarrowForm) -> bool:
    """Narrow the token. Returns False with the errors in the form."""
    try:
        update(token=form.token, actor=request.actor, **form.changes)
    except APIError as exc:
        form.add_refusal(exc)
        return False
    return True


def _context(row: Row, form: NarrowForm, required: Names) -> dict[str, Any]:
    kept = form["permissions"].value() or []
    uses = {use.permission: use.seen for use in by_permission(row.token.permissions, required)}
    return {
        "row": row,
        "form": form,
        "choices": [(chip, chip.text in kept, uses[chip.text]) for chip in row.chips.all],
        "sentence": picker.sentence(row.token.permissions),
    }


def _review(row: Row, form: NarrowForm, required: Names) -> dict[str, Any]:
    lost = refused_by(form.kept, row.token.permissions, required)
    return {
        "is_review": True,
        "sentence": picker.sentence(form.kept),
        "removed": PermissionChips(form.removed),
        "refused": lost[:SHOWN],
        "more": len(lost) - SHOWN,
        "is_use_known": any(required),
        "unnamed": required.get(""),
        "impact": impact_of(row.record, row.now),
        "children": ServiceAccountToken.objects.filter(parent=row.token).active(row.now),
        "clients": OAuthClient.objects.filter(parent=row.token, deleted_at=None),
    }
