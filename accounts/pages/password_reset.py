"""Pages of a forgotten password."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import request_limits
from accounts.authentication.mailed_links import InvalidLink
from accounts.errors import APIError
from accounts.pages.forms import NewPasswordForm
from accounts.pages.guests import ask_for_link, guest_page, invalid_link, secret_page, too_many
from accounts.registration import password_reset


@require_http_methods(["GET", "HEAD", "POST"])
@guest_page
def ask(request: HttpRequest) -> HttpResponse:
    return ask_for_link(
        request,
        template="account/password_reset.html",
        send=password_reset.request,
        sent="account_reset_password_done",
    )


@require_safe
@guest_page
def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "account/password_reset_done.html")


@require_http_methods(["GET", "HEAD", "POST"])
@secret_page
def choose(request: HttpRequest, secret: str) -> HttpResponse:
    """Set the new password. It does not sign the user in."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    try:
        request_limits.check_secret(request)
        link = password_reset.find(secret)
        if form.is_valid():
            password_reset.confirm(secret, form.cleaned_data["password"])
            messages.success(request, "Your password is set, and all earlier sessions have ended. Sign in.")
            return redirect("account_login")
    except InvalidLink:
        return invalid_link(request, "account_reset_password", "reset")
    except ValidationError as problem:
        form.add_error("password", problem)
    except APIError as exc:
        return too_many(request, exc)
    context = {"form": form, "email": link.email, "opening": link.user is None}
    return render(
        request, "account/password_reset_from_key.html", context, status=400 if form.errors else 200
    )
