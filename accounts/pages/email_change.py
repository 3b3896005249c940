"""The page on which a user changes their e-mail address."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.pages.decorators import recently_authenticated
from accounts.pages.forms import NewAddressForm
from accounts.registration import email_change


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@recently_authenticated
def change_email(request: HttpRequest) -> HttpResponse:
    """Mail a link to the new address; nothing changes before it is used."""
    user = cast(User, request.user)
    form = NewAddressForm(request.POST, user=user) if request.method == "POST" else None
    if form is not None and form.is_valid():
        email_change.request(user, form.cleaned_data["email"])
        messages.success(request, "A mail went to the new address. Nothing changes until its link is used.")
        return redirect("account_email")
    context = {"form": form, "waiting": email_change.pending(user)}
    return render(request, "account/email_change.html", context, status=400 if form else 200)
