"""The page of an invitation's link. Every visitor may see it; only the invited user may accept."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import errors
from accounts.authentication import current_organization, request_limits
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Membership, User
from accounts.pages.guests import guest_page, secret_page, too_many
from accounts.registration.onboarding import SESSION_KEY


@require_http_methods(["GET", "HEAD", "POST"])
@secret_page
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """GET shows the invitation and stores its secret for the sign-in and sign-up pages; POST accepts it."""
    try:
        request_limits.check_secret(request)
    except APIError as exc:
        return too_many(request, exc)
    found = invitations.find(secret)
    if found is None or not invitations.is_good(found, timezone.now()):
        return _over(request, found)
    user = request.user if isinstance(request.user, User) else None
    if user is None:
        request.session[SESSION_KEY] = secret
        return _page(request, found, user=None)
    if request.method != "POST":
        return _page(request, found, user=user)
    try:
        member = invitations.accept(secret=secret, user=user)
    except APIError as exc:
        return _over(request, found) if exc.error is not errors.FORBIDDEN else _page(request, found, user)
    return _entered(request, member)


@require_safe
@guest_page
def resume(request: HttpRequest) -> HttpResponse:
    """Return to the invitation that this browser opened, after sign-in."""
    secret = request.session.get(SESSION_KEY)
    return redirect("invitation", secret) if secret else redirect(settings.LOGIN_REDIRECT_URL)


def _page(request: HttpRequest, found: Invitation, user: User | None) -> HttpResponse:
    problem = ""
    if user is not None:
        try:
            invitations.check_address(found, user)
        except APIError as exc:
            problem = "unproven" if exc.extra["detail"] == invitations.UNPROVEN_ADDRESS else "other"
    is_member = (
        user is not None
        and Membership.objects.filter(organization_id=found.organization_id, user=user).exists()
    )
    context = {"invitation": found, "problem": problem, "is_member": is_member}
    return render(request, "accounts/sign_in/invitation.html", context, status=403 if problem else 200)


def _over(request: HttpRequest, found: Invitation | None) -> HttpResponse:
    """Show the same text for an unknown invitation (404) and one that is over (410)."""
    request.session.pop(SESSION_KEY, None)
    error = errors.NOT_FOUND if found is None else errors.INVITATION_GONE
    return render(request, "accounts/sign_in/invitation_over.html", status=error.status)


def _entered(request: HttpRequest, member: Membership) -> HttpResponse:
    request.session.pop(SESSION_KEY, None)
    request.session[current_organization.SESSION_KEY] = str(member.organization_id)
    messages.success(request, f"You have joined {member.organization.name}.")
    return redirect(settings.LOGIN_REDIRECT_URL)
