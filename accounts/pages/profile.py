"""Settings, Profile: the user's name and organizations."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.authentication.current_organization import current_organization
from accounts.pages.decorators import PersonalRequest, personal_page
from accounts.pages.forms import ProfileForm
from accounts.registration import profile


@require_http_methods(["GET", "HEAD", "POST"])
@personal_page
def show(request: PersonalRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        profile.rename(user=request.user, name=form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return redirect("profile")
    context = {
        "form": form,
        "name": form["name"].value() if form.is_bound else request.user.name,
        "memberships": current_organization(request).memberships,
    }
    return render(request, "accounts/profile.html", context, status=400 if form.errors else 200)
