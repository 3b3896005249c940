"""Pages that create a client or rotate its secret, and the page that shows the secret once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts import errors
from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions import picker
from accounts.permissions.picker import Selection
from tokens.models import OVERLAP_SECONDS
from tokens.models.client import ClientSecret, RefreshAuth
from tokens.oauth import clients
from tokens.oauth.clients import MANAGE, ClientWithSecret
from tokens.pages import reveal
from tokens.pages.clients.client_forms import OVERLAPS, NewClientForm, RotationForm
from tokens.pages.clients.clients import (
    SUBJECT,
    add_refusal,
    found_row,
    page_context,
    typed_with_preset,
    values_of,
)
from tokens.pages.forms import new_nonce, selected

SENT_TWICE = "That form was sent a second time. Nothing else was created, and the secret is not shown again."


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
@sensitive_variables("created")
def create(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, None, _first_values(request), 200)
    if "preset" in request.POST:
        return _form(request, None, typed_with_preset(request), 200)
    form = NewClientForm(request.POST)
    status = 422
    if form.is_valid():
        if not form.is_first(request.actor):
            messages.info(request, SENT_TWICE)
            return redirect("clients")
        try:
            created = clients.create(actor=request.actor, **form.values)
        except APIError as exc:
            status = add_refusal(form, exc)
        else:
            return _redirect_to_secret(request, created)
    return _form(request, form, values_of(form), status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
@sensitive_variables("created")
def rotate(request: PageRequest, client_id: str) -> HttpResponse:
    """Create another secret. The earlier one stays valid for the chosen overlap."""
    row = found_row(request, client_id)
    missing = request.actor.scopes.missing(row.client.scopes)
    form = RotationForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and not missing:
        if not form.is_first(request.actor):
            messages.info(request, SENT_TWICE)
            return redirect("client_detail", row.client.public_id)
        try:
            overlap = form.cleaned_data["overlap"]
            created = clients.rotate_secret(client=row.client, actor=request.actor, overlap_seconds=overlap)
        except APIError as exc:
            if exc.error is not errors.ORGANIZATION_SUSPENDED:
                raise PermissionDenied from None
            form.add_error("overlap", exc.extra["detail"])
        else:
            return _redirect_to_secret(request, created)
    context = {
        "row": row,
        "form": form,
        "missing": missing,
        "overlaps": OVERLAPS,
        "chosen": form["overlap"].value() or str(OVERLAP_SECONDS),
        "nonce": new_nonce(),
    }
    return render(request, "tokens/clients/client_rotate.html", context, status=422 if form.is_bound else 200)


# A HEAD request would take the secret and show it to no one.
@require_http_methods(["GET"])
@page(MANAGE)
def secret(request: PageRequest, client_id: str) -> HttpResponse:
    client = found_row(request, client_id).client
    is_first = ClientSecret.objects.filter(client=client).count() == 1
    context = {
        "heading": f"{client.name} is ready" if is_first else f"{client.name} has a new secret",
        "client": client,
        "sentence": picker.sentence(client.scopes, SUBJECT),
        "token_url": request.build_absolute_uri("/v1/auth/token"),
    }
    afterwards = reverse("client_detail", args=[client.public_id])
    return reveal.reveal(request, "tokens/clients/client_created.html", context, afterwards=afterwards)


def _first_values(request: PageRequest) -> dict[str, Any]:
    """Return the initial values from the query string."""
    preset = request.GET.get("preset", "")
    return {
        "name": request.GET.get("name", "")[:100],
        "refresh_auth": RefreshAuth.REQUIRED.value,
        "selection": _selection(request, preset),
    }


def _selection(request: PageRequest, preset: str) -> Selection:
    return picker.preset(preset, request.actor.scopes) if preset else selected(request.GET, "permission")


def _form(
    request: PageRequest, form: NewClientForm | None, values: dict[str, Any], status: int
) -> HttpResponse:
    context = page_context(request, form, values | {"nonce": new_nonce()})
    return render(request, "tokens/clients/client_new.html", context, status=status)


@sensitive_variables("created")
def _redirect_to_secret(request: PageRequest, created: ClientWithSecret) -> HttpResponse:
    path = reverse("client_secret", args=[created.client.public_id])
    return reveal.redirect_to(path, request, created.plaintext)
