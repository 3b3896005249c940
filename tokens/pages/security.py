"""Settings → Security: a person's browser and API sessions, and signing out of them."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import typeid
from accounts.authentication import browser_sessions, second_factor
from accounts.authentication.session_store import stored_key
from accounts.pages.decorators import PersonalRequest, personal_page
from tokens import user_agent
from tokens.sessions import sessions

MOST_SHOWN = 100


@require_safe
@personal_page
def security(request: PersonalRequest) -> HttpResponse:
    """Show both lists, last used first."""
    api_sessions = sessions.with_last_use(sessions.active(request.user.pk)[: MOST_SHOWN + 1])
    here = stored_key(request.session)
    browsers = [
        (session, user_agent.summary(session.user_agent), session.session_key == here)
        for session in browser_sessions.of_user(request.user)[:MOST_SHOWN]
    ]
    context = {
        "factors": second_factor.of_user(request.user),
        "browsers": sorted(browsers, key=lambda row: not row[2]),
        "api_sessions": sorted(api_sessions[:MOST_SHOWN], key=lambda one: one.last_seen_at, reverse=True),
        "more": len(api_sessions) > MOST_SHOWN,
        "others": len(api_sessions) + sum(not is_this for _, _, is_this in browsers),
    }
    return render(request, "tokens/security.html", context)


@require_POST
@personal_page
def end_session(request: PersonalRequest, session_id: str) -> HttpResponse:
    """End one of the user's API sessions."""
    try:
        grant_id = typeid.decode("ses", session_id)
    except ValueError:
        raise Http404 from None
    if not sessions.end(user_id=request.user.pk, grant_id=grant_id):
        raise Http404
    messages.success(request, "Ended the API session. Its tokens are refused from now on.")
    return redirect("security")


@require_POST
@personal_page
def end_browser(request: PersonalRequest, browser_id: int) -> HttpResponse:
    """End one of the user's browser sessions, which may be this one."""
    found = browser_sessions.find(request.user, browser_id)
    if found is None:
        raise Http404
    if found.session_key == stored_key(request.session):
        return _leave(request)
    browser_sessions.end(found, request.user)
    messages.success(request, "Signed out of that browser.")
    return redirect("security")


@require_POST
@personal_page
def end_others(request: PersonalRequest) -> HttpResponse:
    """End all other sessions."""
    sessions.end_all(user_id=request.user.pk)
    browser_sessions.end_others(request, request.user)
    messages.success(request, "Signed out everywhere else. Only this browser is signed in.")
    return redirect("security")


@require_POST
@personal_page
def end_all(request: PersonalRequest) -> HttpResponse:
    """End all sessions, including this one."""
    sessions.end_all(user_id=request.user.pk)
    browser_sessions.end_others(request, request.user)
    return _leave(request)


def _leave(request: PersonalRequest) -> HttpResponse:
    browser_sessions.leave(request)
    response = redirect(settings.LOGIN_URL)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
