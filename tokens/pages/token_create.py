"""The page that creates a token, and the page that shows its secret once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.drf.fields import instant
from accounts.errors import APIError
from accounts.models import Organization
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions import picker
from accounts.permissions.scopes import ANY
from accounts.validation.text import name_key
from tokens.models import ServiceAccountToken
from tokens.pages import reveal
from tokens.pages.expiration_form import expiration_context
from tokens.pages.forms import CreateForm, prefilled, with_preset
from tokens.pages.replacement import replacing
from tokens.pages.tokens import VIEW, found_row
from tokens.service_accounts.issue import MANAGE, AlreadyCreated

SUGGESTED = "service-"


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
@sensitive_variables("issued")
def create(request: PageRequest) -> HttpResponse:
    """Show the form, prefilled from the query string, or create the token and redirect to its secret.

    The form's nonce prevents a second token. Reauthentication, if required, comes before the form is shown; a
    form that was open for longer is kept and processed after it.
    """
    now, organization = timezone.now(), request.membership.organization
    if request.method != "POST":
        values = prefilled(request.GET, request.actor, organization)
        if replaced := request.GET.get("replaces", ""):
            values |= replacing(found_row(request, replaced).token, now)
        values["name"] = values["name"] or _suggestion(organization)
        return _page(request, None, values, status=200)
    form = CreateForm(request.POST, actor=request.actor, organization=organization, now=now)
    typed = {name: form[name].value() or "" for name in form.fields if name != "permissions"}
    if "preset" in request.POST:
        selection = with_preset(request.POST, request.actor)
        return _page(request, None, typed | {"selection": selection}, status=200)
    status = 422
    if form.is_valid():
        try:
            issued = form.issue()
        except AlreadyCreated as earlier:
            return render(
                request, "tokens/service_accounts/token_already.html", {"token": earlier.token}, status=409
            )
        except APIError as exc:
            status = _add_refusal(form, exc)
        else:
            path = reverse("token_created", args=[issued.token.public_id])
            return reveal.redirect_to(path, request, issued.plaintext)
    return _page(request, form, typed | {"selection": form.selection}, status=status)


# A HEAD request would take the secret and show it to no one.
@require_http_methods(["GET"])
@page(MANAGE)
def created(request: PageRequest, token_id: str) -> HttpResponse:
    token = found_row(request, token_id).token
    context = {
        "heading": f"{token.name} is ready",
        "token": token,
        "sentence": picker.sentence(token.permissions),
        "whoami": request.build_absolute_uri("/api/auth/whoami"),
    }
    afterwards = reverse("token_detail", args=[token.public_id])
    return reveal.reveal(
        request, "tokens/service_accounts/token_created.html", context, afterwards=afterwards
    )


@require_safe
@page(VIEW)
def first_call(request: PageRequest, token_id: str) -> JsonResponse:
    """Return the last use of a token as JSON, for the page that waits for the first call."""
    usage = found_row(request, token_id).usage
    found = {"at": instant(usage.last_used_at), "address": usage.last_used_ip}
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


def _add_refusal(form: CreateForm, exc: APIError) -> int:
    try:
        return form.add_refusal(exc)
    except APIError:
        # The role was lowered, or the membership ended, after the page was shown.
        raise PermissionDenied from None


def _page(request: PageRequest, form: CreateForm | None, values: dict[str, Any], status: int) -> HttpResponse:
    now = timezone.now()
    organization = request.membership.organization
    active = ServiceAccountToken.objects.filter(organization=organization).active(now)
    selection = values["selection"]
    groups = picker.groups(request.actor.scopes, selection)
    choices = [choice for group in groups for choice in group.choices]
    context = {
        "form": form,
        "values": values,
        "groups": groups,
        "everything_held": all(ANY in choice.held for choice in choices),
        "full": all(choice.ticked for choice in choices if choice.held),
        "presets": picker.PRESETS,
        "sentence": picker.sentence(picker.well_formed(selection)),
        "restricted": any(map(any, values["metadata"]))
        or any(values[name] for name in ("requests_per_day", "allowed_addresses")),
        "limit": settings.ACTIVE_TOKENS_PER_ORGANIZATION,
        "is_full": active.count() >= settings.ACTIVE_TOKENS_PER_ORGANIZATION,
        **expiration_context(organization, now),
    }
    return render(request, "tokens/service_accounts/token_new.html", context, status=status)


def _suggestion(organization: Organization) -> str:
    """Return the first free name of the form service-3."""
    every = ServiceAccountToken.objects.filter(organization=organization, name__istartswith=SUGGESTED)
    taken = set(map(name_key, every.values_list("name", flat=True)))
    return next(name for number in range(1, len(taken) + 2) if (name := f"{SUGGESTED}{number}") not in taken)
