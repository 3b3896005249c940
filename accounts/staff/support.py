"""Support sessions in the browser: the link, the read-only rule, and the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts import errors
from accounts.authentication import support_sessions
from accounts.errors import is_api
from accounts.models import Organization, SupportSession, User
from accounts.permissions.actor import Actor
from accounts.staff.panels import page_url
from ratelimit.admin import Page

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
OWN_PAGES = "/accounts/"
REFUSED = "Nothing was changed. End the support session to work as yourself again."
OWN = "This page is about your own account. End the support session to open it."
ENDED = "Nothing was changed. Ask for a new link on the organization's page in the admin."


class SupportSessionMiddleware:
    """The one place that makes a support session read-only: it refuses all unsafe methods but its end.

    It also sets ``request.support_session``, by which pages show the organization to a viewer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if support_sessions.SESSION_KEY not in request.session:
            return self.get_response(request)
        session = support_sessions.of_browser(request)
        if not request.user.is_authenticated:
            # A new password, or a sign-out in another browser, has emptied the browser's session.
            return self.get_response(request)
        cause = support_sessions.cause_of_end(session, timezone.now()) if session else ""
        if session is None or cause:
            return _ended(request, session, cause)
        request.support_session = session  # type: ignore[attr-defined]
        if request.method in SAFE or is_end(request):
            return self.get_response(request)
        return refusal(request, "A support session is read-only", REFUSED)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        """Refuse the pages of the person's own account, some of which show secrets."""
        if not hasattr(request, "support_session"):
            return None
        own = hasattr(view, "is_personal") or request.path_info.startswith(OWN_PAGES)
        return refusal(request, "This page is not part of the support session", OWN) if own else None


def is_end(request: HttpRequest) -> bool:
    return request.method == "POST" and request.path_info == reverse("support-end")


def refusal(request: HttpRequest, title: str, sentence: str) -> HttpResponse:
    if is_api(request):
        return errors.response(support_sessions.READ_ONLY, detail=sentence)
    context = {"title": title, "sentence": sentence}
    return render(request, "accounts/support_refused.html", context, status=403)


def _ended(request: HttpRequest, session: SupportSession | None, cause: str) -> HttpResponse:
    """Refuse the first request after the end, also a safe one: its page would be another organization's."""
    del request.session[support_sessions.SESSION_KEY]
    if session is not None:
        support_sessions.end(session, cause=cause)
    return refusal(request, "The support session has ended", ENDED)


def show_link(page: Page, request: HttpRequest, organization: Organization, reason: str) -> HttpResponse:
    """Show a new link. It is in this response only, and its secret is stored as a digest."""
    secret = support_sessions.ask(staff=cast(User, request.user), organization=organization, reason=reason)
    page.log_change(request, organization, f"Asked for a support link: {reason}")
    context = {
        **page.admin_site.each_context(request),
        "title": "Support link",
        "opts": page.opts,
        "original": organization,
        "link": reverse("support-open", args=[secret]),
        "seconds": support_sessions.LINK_SECONDS,
        "minutes": support_sessions.SESSION_SECONDS // 60,
    }
    response = TemplateResponse(request, "admin/support_link.html", context)
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@never_cache
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Open the support session in a browser where the same member of staff is signed in.

    A stranger is not led to the sign-in page, whose address would hold the secret again.
    """
    try:
        if not admin.site.has_permission(request):
            raise support_sessions.InvalidLink
        session = support_sessions.open_by_link(secret=secret, staff=cast(User, request.user))
    except support_sessions.InvalidLink:
        response = render(request, "accounts/support_invalid.html", status=404)
    else:
        request.session.cycle_key()
        request.session[support_sessions.SESSION_KEY] = str(session.pk)
        response = redirect("tokens")
    response["Referrer-Policy"] = "no-referrer"
    # Django writes the address of whatever was refused into its log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the support session of this browser, and lead back to the organization's page in the admin."""
    session: SupportSession | None = getattr(request, "support_session", None)
    if session is None:
        return redirect("admin:index")
    support_sessions.end(session, cause="ended", actor=Actor.of_staff(session.staff))
    del request.session[support_sessions.SESSION_KEY]
    messages.success(request, "The support session has ended.")
    return redirect(page_url("accounts_organization", session.organization_id))
