"""Settings → Organization: name, key, plan, policies, revocation and deletion."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authorization.policies import MOST_TOKEN_DAYS
from accounts.dates import day
from accounts.errors import APIError
from accounts.models.organization import LeakedTokens
from accounts.oidc import providers
from accounts.organizations import deletion, update
from accounts.organizations.update import MANAGE
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions.roles import Role
from ratelimit.usage import reports
from tokens.lifecycle.organization_impact import organization_impact
from tokens.lifecycle.revoke_all import revoke_all
from tokens.pages.organization_forms import (
    EndingForm,
    NameForm,
    OrganizationMetadataForm,
    PolicyForm,
    RevokingForm,
    values_of,
)

VIEW = "organization.view"
SEE_USAGE = "usage.view"


@require_safe
@page(VIEW)
def organization(request: PageRequest) -> HttpResponse:
    """Show the organization, with forms to change it for those who may manage it."""
    return _page(request)


@require_POST
@page(MANAGE)
def rename(request: PageRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if form.is_valid() and _changed(request, form, name=form.cleaned_data["name"]):
        return redirect("organization")
    return _page(request, name_form=form)


@require_POST
@page(MANAGE)
@recently_authenticated
def policies(request: PageRequest) -> HttpResponse:
    form = PolicyForm(request.POST)
    if form.is_valid() and _changed(request, form, **form.changes):
        return redirect("organization")
    return _page(request, policy_form=form)


@require_POST
@page(MANAGE)
@recently_authenticated
def metadata(request: PageRequest) -> HttpResponse:
    form = OrganizationMetadataForm(request.POST)
    if form.is_valid() and _changed(request, form, metadata=form.cleaned_data["metadata"]):
        return redirect("organization")
    return _page(request, metadata_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
def rotate_key(request: PageRequest) -> HttpResponse:
    """Rotate the publishable key, after a confirmation."""
    if request.method == "POST":
        try:
            update.rotate_key(actor=request.actor)
        except APIError:
            raise PermissionDenied from None
        messages.success(request, "A new publishable key was created. The previous key no longer works.")
        return redirect("organization")
    return render(request, "tokens/organization/organization_key.html")


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
def revoke_everything(request: PageRequest) -> HttpResponse:
    """Revoke every credential, after showing the impact and typing the name."""
    bound = request.POST if request.method == "POST" else None
    form = RevokingForm(bound, expected=request.membership.organization.name)
    if form.is_bound and form.is_valid():
        try:
            done = revoke_all(actor=request.actor)
        except APIError:
            raise PermissionDenied from None
        counts = (
            f"API tokens: {done.tokens}, client secrets: {done.client_secrets}, "
            f"client grants: {done.client_grants}, API sessions: {done.sessions}, "
            f"invitations: {done.invitations}"
        )
        messages.success(request, f"Everything is revoked. {counts}.")
        return redirect("organization")
    return _ending(request, "tokens/organization/organization_revoke.html", form)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def delete(request: PageRequest) -> HttpResponse:
    """Delete the organization: for owners only, after reauthentication."""
    if request.membership.role != Role.OWNER:
        raise PermissionDenied
    return recently_authenticated(_delete)(request)


def _delete(request: PageRequest) -> HttpResponse:
    form = EndingForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            deleted = deletion.delete(actor=request.actor, typed_name=form.cleaned_data["typed"])
        except APIError as exc:
            _add_refusal(form, exc)
        else:
            until = day(timezone.now() + deletion.GRACE)
            messages.success(request, f"{deleted.name} was deleted. Our staff can restore it until {until}.")
            return redirect("/")
    return _ending(request, "tokens/organization/organization_delete.html", form)


def _changed(
    request: PageRequest, form: NameForm | PolicyForm | OrganizationMetadataForm, **changes: Any
) -> bool:
    """Save the changes. Returns False with the errors in the form."""
    try:
        update.change(actor=request.actor, **changes)
    except APIError as exc:
        _add_refusal(form, exc)
        return False
    messages.success(request, "Saved.")
    return True


def _add_refusal(form: NameForm | PolicyForm | OrganizationMetadataForm | EndingForm, exc: APIError) -> None:
    try:
        form.add_refusal(exc)
    except APIError:
        # The role was lowered, or the membership ended, after the page was shown.
        raise PermissionDenied from None


def _page(
    request: PageRequest,
    *,
    name_form: NameForm | None = None,
    policy_form: PolicyForm | None = None,
    metadata_form: OrganizationMetadataForm | None = None,
) -> HttpResponse:
    found = request.membership.organization
    may_manage = request.actor.allows(MANAGE)
    context = {
        "organization": found,
        "may_manage": may_manage,
        "may_delete": may_manage and request.membership.role == Role.OWNER,
        "may_see_usage": request.actor.allows(SEE_USAGE),
        "today": reports.today(found.pk, found.effective_requests_per_day),
        "name_form": name_form,
        "name": name_form["name"].value() if name_form else found.name,
        "policy_form": policy_form,
        "values": policy_form.values if policy_form else values_of(found),
        "metadata_form": metadata_form or OrganizationMetadataForm(initial={"metadata": found.metadata}),
        "most_days": MOST_TOKEN_DAYS,
        "leak_policies": LeakedTokens.choices,
        "providers": providers.names(found.sso_provider),
        "grace_days": deletion.GRACE.days,
    }
    status = 422 if name_form or policy_form or metadata_form else 200
    return render(request, "tokens/organization/organization.html", context, status=status)


def _ending(request: PageRequest, template: str, form: EndingForm) -> HttpResponse:
    context = {
        "form": form,
        "impact": organization_impact(request.membership.organization, timezone.now()),
        "grace_days": deletion.GRACE.days,
    }
    return render(request, template, context, status=422 if form.is_bound else 200)
