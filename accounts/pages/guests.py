"""Decorators and responses of the pages for visitors who are not signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.authentication import request_limits
from accounts.errors import APIError
from accounts.pages.forms import EmailForm
from accounts.validation.local_paths import is_local_path

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def guest_page(view: View[P]) -> View[P]:
    """Mark the response as not cacheable."""
    guarded = never_cache(sensitive_post_parameters("password")(view))
    guarded.is_guest_page = True  # type: ignore[attr-defined]
    return guarded


def secret_page(view: View[P]) -> View[P]:
    """A guest page whose address holds a secret, which goes into no Referer and no log.

    Its template says strict-origin for itself: under no-referrer a form's Origin is null, and refused.
    """

    @guest_page
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        # Django writes the address of whatever was refused into its log.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    guarded.is_secret_page = True  # type: ignore[attr-defined]
    return guarded


def inside(request: HttpRequest) -> HttpResponse | None:
    """Return the target for a user who is signed in already: ``next``, or the start page."""
    if not request.user.is_authenticated:
        return None
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return redirect(wanted if is_local_path(wanted) else settings.LOGIN_REDIRECT_URL)


def signed_in_since(request: HttpRequest) -> HttpResponse | None:
    """The response to a guest page's form with a wrong CSRF token, of a person who is signed in by now.

    Signing in changes the token, so the forms of all other tabs become too old by it.
    """
    view = request.resolver_match.func if request.resolver_match else None
    if not hasattr(view, "is_guest_page") or not request.user.is_authenticated:
        return None
    return redirect(request.get_full_path()) if hasattr(view, "is_secret_page") else inside(request)


def ask_for_link(
    request: HttpRequest, *, template: str, send: Callable[[str], None], sent: str
) -> HttpResponse:
    """Show the form for an address, or call ``send`` with it and lead to the page named ``sent``.

    The response is the same for every address; only the mail says what happened.
    """
    form = EmailForm(request.POST) if request.method == "POST" else None
    if form is None or not form.is_valid():
        return render(request, template, {"form": form}, status=400 if form else 200)
    try:
        request_limits.check_request(request)
    except APIError as exc:
        return too_many(request, exc)
    send(form.cleaned_data["email"])
    return redirect(sent)


def invalid_link(request: HttpRequest, again: str, what: str) -> HttpResponse:
    """Respond to a used, replaced or expired link; ``again`` is the URL name of the page for a new one."""
    return render(request, "accounts/sign_in/invalid_link.html", {"again": again, "what": what}, status=404)


def too_many(request: HttpRequest, exc: APIError) -> HttpResponse:
    minutes = -(-int(exc.extra["retry_after"]) // 60)
    response = render(request, "accounts/sign_in/too_many.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(exc.extra["retry_after"])
    return response
