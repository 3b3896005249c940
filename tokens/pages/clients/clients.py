"""Pages of OAuth clients: the list, one client, its change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import typeid
from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page
from accounts.permissions import picker
from accounts.permissions.scopes import ANY
from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.listing.permission_chips import PermissionChips
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.models.client import RefreshAuth
from tokens.oauth import client_records, clients
from tokens.oauth.clients import MANAGE, VIEW
from tokens.pages.clients.client_forms import REFRESH_WORDS, ClientForm, RenamedClientForm
from tokens.pages.forms import with_preset

PER_PAGE = 50
SUBJECT = "This client"
NEVER = Usage(calls=0, last_used_at=None, last_used_ip=None)


@dataclass(frozen=True, slots=True)
class Row:
    """A client in the list and on its page."""

    client: OAuthClient
    usage: Usage

    @property
    def chips(self) -> PermissionChips:
        return PermissionChips(self.client.scopes)

    @property
    def is_expired(self) -> bool:
        return self.client.is_expired(timezone.now())

    @property
    def needs_secret(self) -> bool:
        return self.client.refresh_auth == RefreshAuth.REQUIRED


@require_safe
@page(VIEW)
def client_list(request: PageRequest) -> HttpResponse:
    mine = client_records.of_organization(request.membership.organization_id).order_by("-pk")
    found = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": rows(found),
        "page": found,
        "may_manage": request.actor.allows(MANAGE),
        "token_url": request.build_absolute_uri("/v1/auth/token"),
    }
    return render(request, "tokens/clients/clients.html", context)


@require_safe
@page(VIEW)
def client_detail(request: PageRequest, client_id: str) -> HttpResponse:
    row = found_row(request, client_id)
    context = {
        "row": row,
        "calls_24h": calls_24h(row),
        "sentence": picker.sentence(row.client.scopes, SUBJECT),
        "children": ServiceAccountToken.objects.filter(parent_client=row.client).active(timezone.now()),
        "clients": OAuthClient.objects.filter(parent_client=row.client, deleted_at=None),
        "may_manage": request.actor.allows(MANAGE),
        "may_rotate": not request.actor.scopes.missing(row.client.scopes),
    }
    return render(request, "tokens/clients/client.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def edit(request: PageRequest, client_id: str) -> HttpResponse:
    """Change name, scopes or refresh authentication."""
    row = found_row(request, client_id)
    client = row.client
    known = picker.read(client.scopes, {})
    shown = not known.unknown
    kind = ClientForm if shown else RenamedClientForm
    preset = "preset" in request.POST
    form = kind(request.POST if request.method == "POST" and not preset else None)
    if form.is_bound and form.is_valid() and saved(request, client, form):
        messages.success(request, "Saved.")
        return redirect("client_detail", client.public_id)
    values = {"name": client.name, "refresh_auth": client.refresh_auth, "selection": known}
    if preset:
        values = typed_with_preset(request)
    elif form.is_bound:
        values = values_of(form)
    context = page_context(request, form, values) | {"row": row, "shown": shown}
    return render(request, "tokens/clients/client_edit.html", context, status=422 if form.is_bound else 200)


def saved(request: PageRequest, client: OAuthClient, form: ClientForm) -> bool:
    try:
        clients.update(client=client, actor=request.actor, **form.values)
    except APIError as exc:
        add_refusal(form, exc)
        return False
    return True


def add_refusal(form: ClientForm, exc: APIError) -> int:
    try:
        return form.add_refusal(exc)
    except APIError:
        # The role was lowered, or the client deleted, after the page was shown.
        raise PermissionDenied from None


def values_of(form: ClientForm) -> dict[str, Any]:
    """Return the submitted values, to show them again."""
    return {
        "name": form["name"].value() or "",
        "refresh_auth": form["refresh_auth"].value() or "",
        "selection": form.selection,
    }


def typed_with_preset(request: PageRequest) -> dict[str, Any]:
    """Return the submitted values with the selection of the chosen preset."""
    return {
        "name": request.POST.get("name", ""),
        "refresh_auth": request.POST.get("refresh_auth", ""),
        "selection": with_preset(request.POST, request.actor),
    }


def page_context(request: PageRequest, form: ClientForm | None, values: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the fields of a client's form."""
    selection = values["selection"]
    groups = picker.groups(request.actor.scopes, selection)
    choices = [choice for group in groups for choice in group.choices]
    return {
        "form": form,
        "values": values,
        "subject": SUBJECT,
        "refresh_choices": REFRESH_WORDS.items(),
        "groups": groups,
        "everything_held": all(ANY in choice.held for choice in choices),
        "full": all(choice.ticked for choice in choices if choice.held),
        "presets": picker.PRESETS,
        "sentence": picker.sentence(picker.well_formed(selection), SUBJECT),
    }


def found_row(request: PageRequest, client_id: str) -> Row:
    """Return the row of the organization's client. Raises Http404 for any other."""
    try:
        pk = typeid.decode("cli", client_id)
        mine = client_records.of_organization(request.membership.organization_id)
        return rows([mine.get(pk=pk)])[0]
    except (ValueError, OAuthClient.DoesNotExist):
        raise Http404 from None


def rows(found: Iterable[OAuthClient]) -> list[Row]:
    listed = list(found)
    if not listed:
        return []
    used = reports.totals(listed[0].organization_id, [client.pk for client in listed])
    return [Row(client, used.get(client.pk, NEVER)) for client in listed]


def calls_24h(row: Row) -> int:
    return reports.last_24_hours(row.client.organization_id, [row.client.pk]).get(row.client.pk, 0)
