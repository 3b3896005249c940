"""Pages of sign-in by a mailed link."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import browser_proof, request_limits
from accounts.authentication.mailed_links import InvalidLink
from accounts.errors import APIError
from accounts.pages.confirm_email import enter
from accounts.pages.forms import NewPasswordForm
from accounts.pages.guests import ask_for_link, guest_page, inside, invalid_link, secret_page, too_many
from accounts.proof import Factor
from accounts.registration import magic_links


@require_http_methods(["GET", "HEAD", "POST"])
@guest_page
def ask(request: HttpRequest) -> HttpResponse:
    return inside(request) or ask_for_link(
        request,
        template="accounts/sign_in/magic_link.html",
        send=magic_links.request,
        sent="magic_link_sent",
    )


@require_safe
@guest_page
def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/sign_in/magic_link_sent.html")


@require_http_methods(["GET", "HEAD", "POST"])
@secret_page
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET only shows a button, because mail scanners open links; POST uses the link."""
    if response := inside(request):
        return response
    form: NewPasswordForm | None = None
    try:
        request_limits.check_secret(request)
        link = magic_links.find(secret)
        # An address without an account gets one here, whose password its owner chooses.
        form = None if link.user else NewPasswordForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and (form is None or form.is_valid()):
            user = magic_links.use(link, password=form.cleaned_data["password"] if form else None)
            if form is not None:
                browser_proof.record(request, user, Factor.PASSWORD)
            return enter(request, user)
    except InvalidLink:
        return invalid_link(request, "magic_link", "sign-in")
    except APIError as exc:
        return too_many(request, exc)
    except ValidationError as problem:
        cast(NewPasswordForm, form).add_error("password", problem)
    context = {"email": link.email, "form": form}
    status = 400 if form is not None and form.errors else 200
    return render(request, "accounts/sign_in/magic_link_open.html", context, status=status)
