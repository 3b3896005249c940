"""The list of API tokens and its search."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.pages.decorators import PageRequest, page
from ratelimit.usage import reports
from tokens.service_accounts import pasted
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.list_filters import COLUMNS, TABS, Filters
from tokens.service_accounts.listing import listing
from tokens.service_accounts.search import belonging_to, of_organization

VIEW = "tokens.view"
NO_SUCH_TOKEN = "No token of this organization has this secret. It may belong to another organization."
NOT_IN_URLS = "That URL contained a token or a part of one. Paste tokens into the search box only."
ONLY_A_PART = "This looks like a part of a token. Paste the whole one, or search by its last four characters."


@require_safe
@page(VIEW)
def token_list(request: PageRequest) -> HttpResponse:
    """Show the list. Tab, search, order and page are in the query string."""
    filters = Filters.of(request.GET.dict())
    if pasted.is_part_of_secret(request.GET.get("q", "")):
        # The page must not repeat a secret from the URL.
        messages.error(request, NOT_IN_URLS)
        return redirect("tokens")
    found = listing(request.membership.organization, filters, request.GET.get("page"), timezone.now())
    context = {
        "listing": found,
        "filters": filters,
        "tabs": [(key, label, found.counts[key]) for key, label in TABS.items()],
        "columns": COLUMNS,
        "today": reports.today(
            request.membership.organization_id, request.membership.organization.effective_requests_per_day
        ),
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
    filters = Filters.of(request.POST.dict())
    query = {"status": filters.status, "q": filters.query, "sort": filters.sort}
    return redirect(f"{reverse('tokens')}?{urlencode({key: value for key, value in query.items() if value})}")
