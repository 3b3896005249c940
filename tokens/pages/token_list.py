"""The list of API tokens and its search."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.pages.decorators import PageRequest, page
from ratelimit.usage import reports
from tokens.listing.filters import COLUMNS, SORTS, TABS, Filters, Only
from tokens.listing.listing import Listing, listing
from tokens.pages.sparkline import Sparkline
from tokens.service_accounts import pasted
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.search import belonging_to, of_organization

VIEW = "tokens.view"
NO_SUCH_TOKEN = "No token of this organization has this secret. It may belong to another organization."
NOT_IN_URLS = "That URL contained a token or a part of one. Paste tokens into the search box only."
ONLY_A_PART = "This looks like a part of a token. Paste the whole one, or search by its last four characters."


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: a link that sorts by it. ``order`` is its ``aria-sort``, or "" if not sorted."""

    label: str
    href: str
    order: str


@require_safe
@page(VIEW)
def token_list(request: PageRequest) -> HttpResponse:
    """Show the list. Tab, search, filters, order and page are in the query string."""
    filters = Filters.of(request.GET)
    if pasted.is_part_of_secret(request.GET.get("q", "")):
        # The page must not repeat a secret from the URL.
        messages.error(request, NOT_IN_URLS)
        return redirect("tokens")
    organization = request.membership.organization
    found = listing(request.membership, filters, request.GET.get("page"), timezone.now())
    context = {
        "listing": found,
        "rows": [(row, Sparkline(row.calls)) for row in found.rows],
        "filters": filters,
        "tabs": _tabs(filters, found),
        "applied": _applied(filters),
        "in_all": filters.address(status="all"),
        "headings": {key: _heading(filters, key) for key in COLUMNS},
        "limits": Only.choices,
        "sorts": SORTS,
        "today": reports.today(organization.pk, organization.effective_requests_per_day),
        "may_manage": request.actor.allows(MANAGE),
        "whoami": request.build_absolute_uri("/api/auth/whoami"),
    }
    return render(request, "tokens/service_accounts/tokens.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(VIEW)
@sensitive_post_parameters("q")
@sensitive_variables("text", "secret")
def search(request: PageRequest) -> HttpResponse:
    """Search by POST: a whole token redirects to its page, and no secret gets into a URL."""
    text = request.POST.get("q", "").strip()
    if secret := pasted.secret_in(text):
        token = belonging_to(of_organization(request.membership.organization_id), secret)
        if token is not None:
            return redirect("token_detail", token.public_id)
        messages.error(request, NO_SUCH_TOKEN)
    elif pasted.is_part_of_secret(text):
        messages.error(request, ONLY_A_PART)
    return redirect(reverse("tokens") + Filters.of(request.POST).address().rstrip("?"))


def _tabs(filters: Filters, found: Listing) -> list[tuple[str, int, str, bool]]:
    """Return label, count, link and whether it is the current one."""
    return [
        (label, found.counts[key], filters.address(status=key), key == filters.status)
        for key, label in TABS.items()
    ]


def _applied(filters: Filters) -> list[tuple[str, str]]:
    """Return each filter in words, with the link that removes it."""
    query = [(f"“{filters.query}”", filters.address(query=""))] if filters.query else []
    return query + [(str(one.label), filters.without(one)) for one in filters.only]


def _heading(filters: Filters, key: str) -> Heading:
    order = {key: "ascending", f"-{key}": "descending"}.get(filters.sort, "")
    return Heading(COLUMNS[key], filters.address(sort=f"-{key}" if order == "ascending" else key), order)
