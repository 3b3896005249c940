"""Switches of the page frame: organization, colour scheme, sign-out."""

from __future__ import annotations

from allauth.account.views import logout as allauth_logout
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import typeid
from accounts.authentication.current_organization import SESSION_KEY, current_organization
from accounts.pages.context_processors import THEMES
from accounts.pages.decorators import PersonalRequest, personal_page
from accounts.validation.local_paths import is_local_path

THEME_SECONDS = 365 * 86_400


@require_POST
@personal_page
def switch_organization(request: PersonalRequest) -> HttpResponse:
    """Switch to another organization of the user; any other one is not found."""
    try:
        wanted = typeid.decode("org", request.POST.get("organization", ""))
    except ValueError:
        raise Http404 from None
    if all(member.organization_id != wanted for member in current_organization(request).memberships):
        raise Http404
    request.session[SESSION_KEY] = str(wanted)
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_POST
def switch_theme(request: HttpRequest) -> HttpResponse:
    """Store light or dark in a cookie; any other value deletes it, and the system's preference applies."""
    wanted = request.POST.get("theme", "")
    response = redirect(_safe_next(request))
    if wanted in THEMES:
        response.set_cookie(
            "theme", wanted, max_age=THEME_SECONDS, samesite="Lax", secure=request.is_secure(), httponly=True
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def sign_out(request: HttpRequest) -> HttpResponse:
    """allauth's sign-out, which also clears the browser's cached pages."""
    response: HttpResponse = allauth_logout(request)
    if request.method == "POST":
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if is_local_path(wanted) else "/"
