"""The page of a link that verifies an address: of a sign-up, of an account, or its new one."""

from __future__ import annotations

import time

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.authentication import browser_proof, mailed_links, request_limits
from accounts.authentication.mailed_links import InvalidLink
from accounts.errors import APIError
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.pages.forms import NewPasswordForm
from accounts.pages.guests import invalid_link, secret_page, too_many
from accounts.proof import Factor
from accounts.registration import browser_sign_ups, confirmation, email_change

TEMPLATE = "account/email_confirm.html"


@require_http_methods(["GET", "HEAD", "POST"])
@secret_page
def confirm_email(request: HttpRequest, secret: str) -> HttpResponse:
    """GET only shows a button, because mail scanners open links; POST uses the link."""
    try:
        request_limits.check_secret(request)
        link = mailed_links.find(secret, LinkKind.SIGN_UP, LinkKind.VERIFY, LinkKind.MOVE)
        return _move(request, link) if link.kind == LinkKind.MOVE else _confirm(request, link)
    except InvalidLink:
        return invalid_link(request, "account_login", "confirm")
    except APIError as exc:
        return too_many(request, exc)


def enter(request: HttpRequest, user: User) -> HttpResponse:
    """Sign the user in, after the second factor if it is on."""
    browser_proof.record(request, user, Factor.MAIL)
    response: HttpResponse = perform_login(request, Login(user=user, email=user.email))
    return response


def _confirm(request: HttpRequest, link: MailedClaim) -> HttpResponse:
    """Ask for a new password, unless this browser made the sign-up."""
    given_at = browser_sign_ups.given_at(request, link)
    form = NewPasswordForm(request.POST if request.method == "POST" else None) if given_at is None else None
    if request.method != "POST" or (form is not None and not form.is_valid()):
        return _page(request, link, form)
    try:
        user = confirmation.confirm(link, password=form.cleaned_data["password"] if form else None)
    except ValidationError as problem:
        if form is None:
            raise
        form.add_error("password", problem)
        return _page(request, link, form)
    response = _entered(request, user, given_at or time.time())
    browser_sign_ups.forget(response)
    return response


def _entered(request: HttpRequest, user: User, password_given_at: float) -> HttpResponse:
    if request.user.is_authenticated:
        messages.success(request, "The e-mail address is confirmed.")
        return redirect("account_login")
    browser_proof.record(request, user, Factor.PASSWORD, at=password_given_at)
    return enter(request, user)


def _move(request: HttpRequest, link: MailedClaim) -> HttpResponse:
    if not isinstance(request.user, User) or request.user != link.user:
        return render(request, "accounts/sign_in/email_elsewhere.html", {"email": link.email}, status=403)
    if request.method != "POST":
        return render(request, TEMPLATE, {"email": link.email, "moving": True})
    user = email_change.confirm(link, request.user)
    update_session_auth_hash(request, user)
    messages.success(request, "Your e-mail address was changed. All your other sessions are signed out.")
    return redirect("account_email")


def _page(request: HttpRequest, link: MailedClaim, form: NewPasswordForm | None) -> HttpResponse:
    context = {"email": link.email, "organization": link.organization_name, "form": form}
    return render(request, TEMPLATE, context, status=400 if form is not None and form.errors else 200)
