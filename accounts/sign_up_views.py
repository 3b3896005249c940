"""Pages of signing up, and of the link that proves an address."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import flow_limits, joining, mailed_links, verification
from accounts.account_forms import SignUpForm
from accounts.guest_pages import dead_link, guest_page, inside, secret_page, too_many
from accounts.link_models import LinkKind
from accounts.mailed_links import InvalidLink
from accounts.models import Invitation, User
from accounts.sign_up import sign_up as start
from ratelimit import refusals
from ratelimit.refusals import Refused

# The browser that signed up goes straight in once the address is confirmed in it: by which password, when.
SIGNED_UP = "signed_up"


@require_http_methods(["GET", "HEAD", "POST"])
@guest_page
def sign_up(request: HttpRequest) -> HttpResponse:
    """The same answer for every address; what comes of it stands in a mail."""
    if response := inside(request):
        return response
    invitation = _invitation(request)
    if request.method != "POST":
        return _page(request, None, invitation)
    form = SignUpForm(request.POST)
    if not form.is_valid():
        return _page(request, form, invitation)
    try:
        flow_limits.check_sign_up(request)
        user = start(
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            name=form.cleaned_data["name"],
            organization_name=form.cleaned_data["organization"],
            invitation_token=request.session.get(joining.SESSION_KEY, "") if invitation else "",
        )
    except ValidationError as problem:
        form.add_error("password", problem)
        return _page(request, form, invitation)
    except Refused as refused:
        if refused.refusal is refusals.RATE_LIMITED:
            return too_many(request, refused)
        form.add_error(None, refused.facts.get("detail", f"{refused.refusal.error}."))
        return _page(request, form, invitation)
    request.session[SIGNED_UP] = [user.password_version, time.time()]
    return _joined(request) if invitation else redirect("account_email_verification_sent")


@require_http_methods(["GET", "HEAD", "POST"])
@secret_page
def confirm_email(request: HttpRequest, secret: str) -> HttpResponse:
    """GET shows a button and uses nothing up: programs that scan mails open links, and press no buttons."""
    # Read before the link ends what the person is signed in by, this session with it.
    visitor = request.user if request.user.is_authenticated else None
    try:
        flow_limits.check_secret(request)
        link, user = mailed_links.find(LinkKind.VERIFY, secret)
        if request.method != "POST":
            context = {"email": link.email, "moving": link.email != user.email}
            return render(request, "account/email_confirm.html", context)
        user, moved = verification.confirm(secret)
    except InvalidLink:
        return dead_link(request, "account_login", "confirm")
    except Refused as refused:
        return too_many(request, refused)
    if visitor is not None:
        return _back_inside(request, user, moved=moved and user == visitor)
    version, chosen_at = request.session.pop(SIGNED_UP, (None, None))
    if not moved and version == user.password_version:
        # Whoever has chosen the password just now is not asked for it again.
        record_authentication(request, user, method="password", at=chosen_at)
        return enter(request, user, method="mail")
    messages.success(request, "Your e-mail address is confirmed. Sign in to go on.")
    return redirect("account_login")


def enter(request: HttpRequest, user: User, *, method: str) -> HttpResponse:
    """Sign the person in, after the second factor where it is on."""
    record_authentication(request, user, method=method)
    response: HttpResponse = perform_login(request, Login(user=user, email=user.email))
    return response


def _back_inside(request: HttpRequest, user: User, *, moved: bool) -> HttpResponse:
    if moved:
        update_session_auth_hash(request, user)
        messages.success(request, "Your e-mail address was changed. Everywhere else you are signed out.")
        return redirect("account_email")
    messages.success(request, "The e-mail address is confirmed.")
    return redirect("account_login")


def _joined(request: HttpRequest) -> HttpResponse:
    del request.session[joining.SESSION_KEY]
    messages.success(request, "You can sign in now.")
    return redirect("account_login")


def _invitation(request: HttpRequest) -> Invitation | None:
    """The one whose page the person comes from, while it is open."""
    secret = request.session.get(joining.SESSION_KEY)
    if not secret:
        return None
    try:
        return joining.open_invitation(secret)
    except Refused:
        del request.session[joining.SESSION_KEY]
        return None


def _page(request: HttpRequest, form: SignUpForm | None, invitation: Invitation | None) -> HttpResponse:
    values: dict[str, Any] = {"email": invitation.email} if invitation else {}
    if form is not None:
        values = {name: form[name].value() or "" for name in ("name", "email", "organization")}
    context = {"form": form, "values": values, "invitation": invitation}
    return render(request, "account/signup.html", context, status=400 if form else 200)
