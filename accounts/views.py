"""Pages about people and about how this person looks at the site."""

from __future__ import annotations

from allauth.account.views import logout as allauth_logout
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import ids
from accounts.access import SESSION_KEY, PageRequest, page, workspace
from accounts.catalogue import Permission, catalogue
from accounts.context_processors import THEMES
from accounts.models import Membership
from accounts.redirects import is_own_path
from accounts.roles import Role

MEMBERS_PER_PAGE = 50
THEME_SECONDS = 365 * 86_400


@require_safe
@page("members.view")
def members(request: PageRequest) -> HttpResponse:
    """Who belongs to the organization, and what each role may do."""
    people = (
        Membership.objects.filter(organization=request.membership.organization)
        .select_related("user")
        .order_by("joined_at", "pk")
    )
    context = {
        "members": Paginator(people, MEMBERS_PER_PAGE).get_page(request.GET.get("page")),
        "roles": list(Role),
        "matrix": _matrix(),
    }
    return render(request, "settings/members.html", context)


@require_POST
@page(None)
def switch_organization(request: PageRequest) -> HttpResponse:
    """Work in another of one's organizations from here on; a stranger's is not found."""
    try:
        wanted = ids.decode("org", request.POST.get("organization", ""))
    except ValueError:
        raise Http404 from None
    if all(member.organization_id != wanted for member in workspace(request).memberships):
        raise Http404
    request.session[SESSION_KEY] = str(wanted)
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_POST
def switch_theme(request: HttpRequest) -> HttpResponse:
    """Keep light or dark in a cookie; anything else goes back to what the system prefers."""
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
    """allauth's sign-out; nothing of the session's pages stays in the browser."""
    response: HttpResponse = allauth_logout(request)
    if request.method == "POST":
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _matrix() -> list[tuple[Permission, list[bool]]]:
    """Every permission with whether each role holds it, in the order of the roles."""
    found = catalogue()
    return [
        (permission, [found.roles[role].allows(permission.name) for role in Role])
        for resource in found.resources
        for permission in resource.permissions
    ]


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if is_own_path(wanted) else "/"
