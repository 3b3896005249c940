"""Global search of the admin by id, email, name, last four characters, or whole token.

The box is sent by POST, so that a pasted token appears in no URL and no log. Other text is redirected to GET.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import PUBLISHABLE_PREFIX
from accounts.staff.lists import ListPage
from accounts.staff.panels import page_url
from accounts.staff.search_terms import Typed
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken
from tokens.service_accounts import pasted

MOST_SHOWN = 10
PART_OF_SECRET = "Paste the whole token, or type its last four characters."
NO_SUCH_TOKEN = "No API token has this secret."


@dataclass(frozen=True, slots=True)
class Result:
    row: Model
    url: str
    summary: str


@dataclass(frozen=True, slots=True)
class Section:
    """The first results of one table, and the list with all of them."""

    name: str
    results: list[Result]
    url: str
    has_more: bool


@sensitive_post_parameters("q")
def search(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _posted(request, Typed.of(request.POST.get("q", "")))
    typed = Typed.of(request.GET.get("q", ""))
    if may_be_secret(typed):
        messages.error(request, "Do not put a token in the URL. Paste it into the search box instead.")
        return redirect("staff-search")
    sections = [section for page in _pages(request) if (section := _section(page, request, typed))]
    only = [result for section in sections for result in section.results]
    if typed.is_id and len(only) == 1:
        return redirect(only[0].url)
    context = admin.site.each_context(request) | {"title": "Search", "typed": typed, "sections": sections}
    return TemplateResponse(request, "admin/search.html", context)


def may_be_secret(typed: Typed) -> bool:
    if typed.is_id or typed.text.startswith(PUBLISHABLE_PREFIX):
        return False
    return bool(pasted.secret_in(typed.text)) or pasted.is_part_of_secret(typed.text)


def _posted(request: HttpRequest, typed: Typed) -> HttpResponse:
    secret = pasted.secret_in(typed.text)
    if secret and not typed.text.startswith(PUBLISHABLE_PREFIX):
        return _of_secret(request, secret)
    if may_be_secret(typed):
        messages.error(request, PART_OF_SECRET)
        return redirect("staff-search")
    return redirect(_list(request, typed) or f"{reverse('staff-search')}?{urlencode({'q': typed.text})}")


def _of_secret(request: HttpRequest, secret: str) -> HttpResponse:
    token = ServiceAccountToken.objects.filter(secrets__digest=opaque.digest(secret)).first()
    if token is None or not request.user.has_perm("tokens.view_serviceaccounttoken"):
        messages.error(request, NO_SUCH_TOKEN)
        return redirect("staff-search")
    return redirect(page_url("tokens_serviceaccounttoken", token.pk))


def _list(request: HttpRequest, typed: Typed) -> str:
    """Return the URL of the list whose search box was sent, with its filters, or "" for the global box."""
    label = request.POST.get("list", "")
    page = next((page for page in _pages(request, every=True) if page.opts.label_lower == label), None)
    if page is None:
        return ""
    kept = dict(parse_qsl(request.POST.get("filters", "").lstrip("?")))
    text = {"q": typed.text} if typed.text else {}
    return f"{_changelist(page)}?{urlencode(kept | text)}"


def _pages(request: HttpRequest, *, every: bool = False) -> list[ListPage]:
    """Return the searchable lists that the user may view."""
    found = [page for page in admin.site._registry.values() if isinstance(page, ListPage)]
    return [page for page in found if (every or page.in_search) and page.has_view_permission(request)]


def _section(page: ListPage, request: HttpRequest, typed: Typed) -> Section | None:
    if not typed.text:
        return None
    found = page.found(page.get_queryset(request), typed)
    related = page.get_list_select_related(request) or ()
    found = found.select_related(*related) if isinstance(related, tuple | list) and related else found
    rows: list[Any] = list(found[: MOST_SHOWN + 1])
    if not rows:
        return None
    name = f"{page.opts.app_label}_{page.opts.model_name}"
    results = [Result(row, page_url(name, row.pk), page.summary(row)) for row in rows[:MOST_SHOWN]]
    url = f"{_changelist(page)}?{urlencode({'q': typed.text})}"
    return Section(str(page.opts.verbose_name_plural), results, url, len(rows) > MOST_SHOWN)


def _changelist(page: ListPage) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
