"""Pages that delete an OAuth client or revoke its tokens, after showing the impact. Need no scripts."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page
from tokens.oauth import clients
from tokens.oauth.clients import MANAGE
from tokens.pages.clients.client_forms import EndForm
from tokens.pages.clients.clients import found_row
from tokens.pages.receipt import refused_since
from tokens.service_accounts.ending import ending
from tokens.service_accounts.impact import impacts


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def revoke(request: PageRequest, client_id: str) -> HttpResponse:
    """Revoke all tokens of the client, which may obtain new ones with its secret."""
    row = found_row(request, client_id)
    if request.method == "POST":
        try:
            clients.revoke_tokens(client=row.client, actor=request.actor)
        except APIError:
            raise PermissionDenied from None
        messages.success(request, f"Revoked all tokens of “{row.client.name}”. {refused_since()}")
        return redirect("client_detail", row.client.public_id)
    used = {row.client.pk: row.usage}
    impact = impacts(row.client.organization_id, used, timezone.now())[row.client.pk]
    return render(request, "tokens/clients/client_revoke.html", {"row": row, "impact": impact})


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def delete(request: PageRequest, client_id: str) -> HttpResponse:
    """Delete the client with its secrets and tokens."""
    row = found_row(request, client_id)
    found = ending(row.client.organization_id, {row.client.pk: row.usage}, timezone.now())
    expected = row.client.name if found.total.used_in_7_days else ""
    form = EndForm(request.POST if request.method == "POST" else None, expected=expected)
    if form.is_bound and form.is_valid():
        try:
            clients.delete(client=row.client, actor=request.actor)
        except APIError:
            raise PermissionDenied from None
        messages.success(request, f"Deleted “{row.client.name}”. {refused_since()}")
        return redirect("clients")
    context = {"row": row, "form": form, "impact": found.impacts[row.client.pk], "ending": found}
    return render(request, "tokens/clients/client_delete.html", context, status=422 if form.is_bound else 200)
