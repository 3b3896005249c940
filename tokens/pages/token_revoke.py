"""Pages that revoke tokens, after showing the impact. Need no scripts."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import typeid
from accounts.pages.decorators import PageRequest, page
from tokens.listing.rows import Row, rows, tokens_of
from tokens.models import ServiceAccountToken
from tokens.pages.forms import RevokeForm
from tokens.pages.receipt import refused_since
from tokens.pages.tokens import found_row
from tokens.service_accounts.ending import ending
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.revoke import revoke, revoke_many

MOST_AT_ONCE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def revoke_one(request: PageRequest, token_id: str) -> HttpResponse:
    row = found_row(request, token_id)
    token = row.token
    if not row.is_live:
        messages.info(request, f"“{token.name}” is no longer active: there is nothing to revoke.")
        return redirect("token_detail", token.public_id)
    found = ending(token.organization_id, {token.pk: row.usage}, row.now)
    expected = token.name if found.total.used_in_7_days else ""
    form = RevokeForm(request.POST if request.method == "POST" else None, expected=expected)
    if request.method == "POST" and form.is_valid():
        revoke(token=token, actor=request.actor, reason=form.cleaned_data["reason"])
        messages.success(request, f"Revoked “{token.name}”. {refused_since()}")
        return redirect(_way_back(request, token))
    context = {
        "row": row,
        "form": form,
        "impact": found.impacts[token.pk],
        "ending": found,
        "back": request.POST.get("back") or request.GET.get("back") or "",
        "way_back": _way_back(request, token),
    }
    return render(
        request, "tokens/service_accounts/token_revoke.html", context, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def revoke_several(request: PageRequest) -> HttpResponse:
    """Revoke the tokens ticked in the list, except those no longer active."""
    chosen = _chosen(request)
    live = [row for row in chosen if row.is_live]
    if not live:
        messages.info(request, "Tick the tokens that are to be revoked.")
        return redirect("tokens")
    used = {row.token.pk: row.usage for row in live}
    found = ending(request.membership.organization_id, used, live[0].now)
    expected = f"revoke {len(live)}" if found.total.used_in_7_days else ""
    form = RevokeForm(request.POST if request.method == "POST" else None, expected=expected)
    if request.method == "POST" and form.is_valid():
        wanted = ServiceAccountToken.objects.filter(pk__in=[row.token.pk for row in live])
        count = revoke_many(tokens=wanted, actor=request.actor, reason=form.cleaned_data["reason"])
        words = "1 token" if count == 1 else f"{count} tokens"
        messages.success(request, f"Revoked {words}. {refused_since()}")
        return redirect("tokens")
    context = {
        "rows": [(row, found.impacts[row.token.pk]) for row in live],
        "form": form,
        "ending": found,
        "left_out": len(chosen) - len(live),
    }
    return render(
        request, "tokens/service_accounts/tokens_revoke.html", context, status=422 if form.is_bound else 200
    )


def _chosen(request: PageRequest) -> list[Row]:
    """Return the rows of the chosen tokens. Raises Http404 for any id of another organization."""
    given = request.POST if request.method == "POST" else request.GET
    texts = list(dict.fromkeys(given.getlist("token")))[:MOST_AT_ONCE]
    try:
        wanted = [typeid.decode("tok", text) for text in texts]
    except ValueError:
        raise Http404 from None
    mine = tokens_of(request.membership.organization).with_people()
    found = mine.filter(pk__in=wanted).order_by("-pk")
    chosen = rows(found, timezone.now())
    if len(chosen) != len(wanted):
        raise Http404
    return chosen


def _way_back(request: PageRequest, token: ServiceAccountToken) -> str:
    """Return the list's URL if the user came from it, else the token's."""
    if (request.POST.get("back") or request.GET.get("back")) == "list":
        return reverse("tokens")
    return reverse("token_detail", args=[token.public_id])
