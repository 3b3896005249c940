"""The admin site: it uses the general sign-in page, and a second factor if ADMIN_MFA_REQUIRED is set.

A session must have proven the factor itself, at sign-in or since; one that was removed, or reset, meanwhile
proves nothing any more.
"""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.authentication import browser_proof, second_factor
from accounts.models import User

SET_UP = "The admin asks for a second factor. Set one up, then open the admin again."


def guard(site: AdminSite) -> None:
    """Every page of the site checks ``has_permission``, and redirects to ``login`` if it is False."""
    allows, enter = site.has_permission, secure_admin_login(site.login)

    def has_permission(request: HttpRequest) -> bool:
        return allows(request) and missing_proof(request) is None

    def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page = missing_proof(request) if allows(request) else None
        if page is None:
            response: HttpResponse = enter(request, extra_context)
            return response
        if page == "mfa_index":
            messages.warning(request, SET_UP)
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect(f"{reverse(page)}?{urlencode({REDIRECT_FIELD_NAME: wanted})}")

    site.has_permission = has_permission  # type: ignore[method-assign]
    site.login = login  # type: ignore[method-assign]


def missing_proof(request: HttpRequest) -> str | None:
    """Return the page where the user sets up or enters their second factor; None if neither is needed."""
    user = request.user
    if not settings.ADMIN_MFA_REQUIRED or not isinstance(user, User):
        return None
    return None if browser_proof.of_request(request).has_second_factor else second_factor.page_for(user)
