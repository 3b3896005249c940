"""Pages of allowed addresses: of one token, and of all programs of the organization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import errors
from accounts.errors import APIError
from accounts.organizations import update as organizations
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.validation import networks
from accounts.validation.form_fields import NetworksField
from ratelimit.client_ip import client_ip, is_forwarding_ignored
from ratelimit.usage import refused_uses
from tokens.credentials.allowed_addresses import CAUSE_ADDRESS
from tokens.pages.tokens import found_row
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.update import update
from tokens.usage.network_proposal import (
    DAYS,
    Calls,
    calls_of_programs,
    calls_of_token,
    effect,
)

ENDED = "The token has ended, so it has no addresses to allow."


class AddressesForm(forms.Form):
    allowed_addresses = NetworksField()


@dataclass(frozen=True, slots=True)
class Page:
    """A list that a page changes. ``outer`` is another list that holds as well."""

    stored: list[str]
    outer: list[str]
    calls: Calls
    save: Callable[[list[str]], object]
    template: str
    back: str
    context: dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
def of_token(request: PageRequest, token_id: str) -> HttpResponse:
    """Change a token's allowed addresses, after showing what they would have refused."""
    row, organization = found_row(request, token_id), request.membership.organization
    token, back = row.token, reverse("token_detail", args=[row.token.public_id])
    if not row.is_live:
        messages.error(request, ENDED)
        return redirect(back)
    refused = refused_uses.by_address(organization.pk, token.pk, CAUSE_ADDRESS)
    return _edit(
        request,
        Page(
            stored=token.allowed_addresses,
            outer=organization.allowed_addresses,
            calls=calls_of_token(token, timezone.now()),
            save=lambda texts: update(token=token, actor=request.actor, allowed_addresses=texts),
            template="tokens/service_accounts/token_addresses.html",
            back=back,
            context={"row": row, "refused_addresses": refused},
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(organizations.MANAGE)
@recently_authenticated
def of_organization(request: PageRequest) -> HttpResponse:
    """Change the addresses of all programs, after showing how many were called from others."""
    organization = request.membership.organization
    change = partial(organizations.change, actor=request.actor)
    return _edit(
        request,
        Page(
            stored=organization.allowed_addresses,
            outer=[],
            calls=calls_of_programs(organization, timezone.now()),
            save=lambda texts: change(allowed_addresses=texts),
            template="tokens/organization/organization_addresses.html",
            back=reverse("organization"),
            context={},
        ),
    )


def _edit(request: PageRequest, of: Page) -> HttpResponse:
    """Show the list, or show what the typed one would have refused, or save one that was shown before."""
    if request.method != "POST":
        # A link may ask for the proposal, as the button does.
        proposal = effect(of.calls).proposal if request.GET.get("act") == "lock" else []
        return _render(request, of, texts=proposal or of.stored, reviewed=" ".join(proposal) or None)
    act, typed = request.POST.get("act"), request.POST.get("allowed_addresses", "")
    replaced = {"add": f"{typed}\n{client_ip(request) or ''}", "lock": "\n".join(effect(of.calls).proposal)}
    form = AddressesForm({"allowed_addresses": replaced.get(act or "", typed)})
    if not form.is_valid():
        return _render(request, of, form=form)
    texts: list[str] = form.cleaned_data["allowed_addresses"]
    if act != "save" or request.POST.get("reviewed", "").split() != texts:
        return _render(request, of, texts=texts, reviewed=" ".join(texts))
    try:
        of.save(texts)
    except APIError as exc:
        return _refused(request, of, exc)
    messages.success(request, "Saved.")
    return redirect(of.back)


def _refused(request: PageRequest, of: Page, exc: APIError) -> HttpResponse:
    """Answer for a token that has ended, or rights that were lost, after the page was shown."""
    if exc.error is not errors.TOKEN_NOT_ACTIVE:
        raise PermissionDenied from None
    messages.error(request, ENDED)
    return redirect(of.back)


def _render(
    request: PageRequest,
    of: Page,
    *,
    texts: list[str] | None = None,
    reviewed: str | None = None,
    form: AddressesForm | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "text": form["allowed_addresses"].value() if form else "\n".join(texts or ()),
        "reviewed": reviewed,
        "effect": effect(of.calls, texts or (), of.outer),
        "compares": bool(texts or of.outer) and form is None,
        "outer": of.outer,
        "mine": client_ip(request),
        "is_proxy": is_probably_proxy(request, of.calls),
        "days": DAYS,
        "most": networks.MOST,
        "back": of.back,
    }
    return render(request, of.template, of.context | context, status=422 if form else 200)


def is_probably_proxy(request: PageRequest, calls: Calls) -> bool:
    """Return whether every client may count as one address, because TRUSTED_PROXY_COUNT is too low.

    X-Forwarded-For proves it. Without it, one private network of all calls suggests it, if this request came
    from a private address, too.
    """
    seen = {network for names in calls.values() for network in names if network}
    private = networks.is_private(client_ip(request) or "") and not networks.outside(
        [*seen], networks.PRIVATE
    )
    return is_forwarding_ignored(request) or (len(seen) == 1 and private)
