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
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.pages.narrow_form import NarrowForm
from tokens.pages.tokens import found_row
from tokens.service_accounts.impact import impact_of
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.permission_chips import PermissionChips
from tokens.service_accounts.rows import Row
from tokens.service_accounts.update import update

TEMPLATE = "tokens/service_accounts/token_narrow.html"


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def narrow(request: PageRequest, token_id: str) -> HttpResponse:
    """Show the form; with its fields in the query string, the review; by POST, narrow the token."""
    row = found_row(request, token_id)
    token = row.token
    if not row.is_live:
        messages.info(request, f"“{token.name}” is no longer active: there is nothing to narrow.")
        return redirect("token_detail", token.public_id)
    if request.method == "POST":
        form = NarrowForm(request.POST, token=token, now=row.now)
        if form.is_valid() and _narrowed(request, form):
            messages.success(
                request, f"Narrowed “{token.name}”. What you removed is refused from the next call on."
            )
            return redirect("token_detail", token.public_id)
        return render(request, TEMPLATE, _context(row, form), status=422)
    form = NarrowForm(request.GET if "review" in request.GET else None, token=token, now=row.now)
    if not form.is_bound:
        return render(request, TEMPLATE, _context(row, form))
    if not form.is_valid():
        return render(request, TEMPLATE, _context(row, form), status=422)
    return render(request, TEMPLATE, _context(row, form) | _review(row, form))


def _narrowed(request: PageRequest, form: NarrowForm) -> bool:
    """Narrow the token. Returns False with the errors in the form."""
    try:
        update(token=form.token, actor=request.actor, **form.changes)
    except APIError as exc:
        form.add_refusal(exc)
        return False
    return True


def _context(row: Row, form: NarrowForm) -> dict[str, Any]:
    kept = form["permissions"].value() or []
    return {
        "row": row,
        "form": form,
        "choices": [(chip, chip.text in kept) for chip in row.chips.all],
        "sentence": picker.sentence(row.token.permissions),
    }


def _review(row: Row, form: NarrowForm) -> dict[str, Any]:
    return {
        "is_review": True,
        "sentence": picker.sentence(form.kept),
        "removed": PermissionChips(form.removed),
        "impact": impact_of(row.record, row.now),
        "children": ServiceAccountToken.objects.filter(parent=row.token).active(row.now),
        "clients": OAuthClient.objects.filter(parent=row.token, deleted_at=None),
    }
