"""The sign-up page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import errors
from accounts.authentication import request_limits
from accounts.errors import APIError
from accounts.models import Invitation
from accounts.pages.forms import SignUpForm
from accounts.pages.guests import guest_page, inside, too_many
from accounts.registration import browser_sign_ups, onboarding
from accounts.registration.sign_up import sign_up as start


@require_http_methods(["GET", "HEAD", "POST"])
@guest_page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Respond in the same way for every address; only the mail says what happened."""
    if response := inside(request):
        return response
    invitation = _invitation(request)
    if request.method != "POST":
        return _page(request, None, invitation)
    form = SignUpForm(request.POST)
    if not form.is_valid():
        return _page(request, form, invitation)
    try:
        request_limits.check_sign_up(request)
        claim = start(
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            name=form.cleaned_data["name"],
            organization_name=form.cleaned_data["organization"],
            invitation_token=request.session.get(onboarding.SESSION_KEY, "") if invitation else "",
        )
    except ValidationError as problem:
        form.add_error("password", problem)
        return _page(request, form, invitation)
    except APIError as exc:
        if exc.error is errors.RATE_LIMITED:
            return too_many(request, exc)
        form.add_error(None, exc.extra.get("detail", f"{exc.error.message}."))
        return _page(request, form, invitation)
    response = _joined(request) if invitation else redirect("account_email_verification_sent")
    browser_sign_ups.remember(request, response, claim)
    return response


def _joined(request: HttpRequest) -> HttpResponse:
    del request.session[onboarding.SESSION_KEY]
    messages.success(request, "You can sign in now.")
    return redirect("account_login")


def _invitation(request: HttpRequest) -> Invitation | None:
    """Return the open invitation whose page led here."""
    secret = request.session.get(onboarding.SESSION_KEY)
    if not secret:
        return None
    try:
        return onboarding.open_invitation(secret)
    except APIError:
        del request.session[onboarding.SESSION_KEY]
        return None


def _page(request: HttpRequest, form: SignUpForm | None, invitation: Invitation | None) -> HttpResponse:
    values: dict[str, Any] = {"email": invitation.email} if invitation else {}
    if form is not None:
        values = {name: form[name].value() or "" for name in ("name", "email", "organization")}
    context = {"form": form, "values": values, "invitation": invitation}
    return render(request, "account/signup.html", context, status=400 if form else 200)
