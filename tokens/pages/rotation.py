"""Pages that rotate a token, show its new secret once, and end or cancel the overlap."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts import errors
from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions import picker
from tokens.listing.rows import Row
from tokens.pages import reveal
from tokens.pages.expiration_form import expiration_context
from tokens.pages.forms import new_nonce
from tokens.pages.rotation_form import OVERLAPS, RotateForm, first_values, keeping
from tokens.pages.tokens import found_row
from tokens.service_accounts import expiry, rotation
from tokens.service_accounts.impact import impact_of
from tokens.service_accounts.issue import MANAGE, AlreadyCreated
from tokens.service_accounts.rotation_checks import ROTATIONS_PER_HOUR
from tokens.service_accounts.rotation_progress import progress

SENT_TWICE = "That form was sent a second time. The token was rotated once; its secret is not shown again."
IN_PROGRESS = "A rotation of this token is in progress. End its overlap or cancel it before you rotate again."
NOT_ACTIVE = "This token is no longer active, so it cannot be rotated."
NO_ROTATION = "No rotation of this token is in progress."
TOO_OFTEN = f"A token is rotated at most {ROTATIONS_PER_HOUR} times an hour. Try again later."
REFUSALS = {
    errors.ROTATION_IN_PROGRESS: IN_PROGRESS,
    errors.TOKEN_NOT_ACTIVE: NOT_ACTIVE,
    errors.RATE_LIMITED: TOO_OFTEN,
}


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
@sensitive_variables("issued")
def rotate(request: PageRequest, token_id: str) -> HttpResponse:
    """Show the form, or rotate the token and redirect to its new secret."""
    row = found_row(request, token_id)
    if request.method != "POST":
        refusal = IN_PROGRESS if row.record.rotation else "" if row.is_live else NOT_ACTIVE
        return _leave(request, row, refusal) if refusal else _page(request, row, None, 200)
    form = RotateForm(request.POST, organization=request.membership.organization, now=timezone.now())
    status = 422
    if form.is_valid():
        try:
            issued = form.rotate(row.token, request.actor)
        except AlreadyCreated:
            return _leave(request, row, SENT_TWICE)
        except APIError as exc:
            if exc.error in REFUSALS:
                return _leave(request, row, REFUSALS[exc.error])
            status = _add_refusal(form, exc)
        else:
            path = reverse("token_rotated", args=[issued.token.public_id])
            return reveal.redirect_to(path, request, issued.plaintext)
    return _page(request, row, form, status)


# A HEAD request would take the secret and show it to no one.
@require_http_methods(["GET"])
@page(MANAGE)
def rotated(request: PageRequest, token_id: str) -> HttpResponse:
    """Show the new secret once."""
    row = found_row(request, token_id)
    context = {
        "heading": f"{row.token.name} has a new secret",
        "token": row.token,
        "is_rotated": True,
        "progress": progress(row.record, row.now),
        "sentence": picker.sentence(row.token.permissions),
        "whoami": request.build_absolute_uri("/api/auth/whoami"),
    }
    afterwards = reverse("token_detail", args=[row.token.public_id])
    return reveal.reveal(
        request, "tokens/service_accounts/token_created.html", context, afterwards=afterwards
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def finish(request: PageRequest, token_id: str) -> HttpResponse:
    """End the overlap, after a confirmation."""
    row = found_row(request, token_id)
    found = progress(row.record, row.now)
    if found is None:
        return _leave(request, row, NO_ROTATION)
    if request.method == "POST":
        rotation.finish(token=row.token, actor=request.actor)
        messages.success(request, "The overlap has ended. The old secret is refused from now on.")
        return redirect("token_detail", row.token.public_id)
    context = {"row": row, "progress": found}
    return render(request, "tokens/service_accounts/rotation_finish.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
def cancel(request: PageRequest, token_id: str) -> HttpResponse:
    """Cancel the rotation, after a confirmation."""
    row = found_row(request, token_id)
    found = progress(row.record, row.now)
    if found is None:
        return _leave(request, row, NO_ROTATION)
    if request.method == "POST":
        try:
            rotation.cancel(token=row.token, actor=request.actor)
        except APIError as exc:
            if exc.error is not errors.NO_ROTATION:
                raise
            return _leave(request, row, NO_ROTATION)
        messages.success(request, "The rotation is cancelled. The new secret is refused from now on.")
        return redirect("token_detail", row.token.public_id)
    context = {"row": row, "progress": found}
    return render(request, "tokens/service_accounts/rotation_cancel.html", context)


def _leave(request: PageRequest, row: Row, why: str) -> HttpResponse:
    messages.info(request, why)
    return redirect("token_detail", row.token.public_id)


def _add_refusal(form: RotateForm, exc: APIError) -> int:
    try:
        return form.add_refusal(exc)
    except APIError:
        # A role was lowered, or a membership ended, after the page was shown.
        raise PermissionDenied from None


def _page(request: PageRequest, row: Row, form: RotateForm | None, status: int) -> HttpResponse:
    organization, now, token = request.membership.organization, row.now, row.token
    choices = expiration_context(organization, now)
    choices["expirations"] = [keeping(token), *choices["expirations"]]
    values: dict[str, Any] = first_values(request.GET, expiry.choices(organization))
    if form is not None:
        values = {name: form[name].value() or "" for name in form.fields}
    context = {
        "row": row,
        "form": form,
        "values": values | {"nonce": new_nonce()},
        "missing": request.actor.scopes.missing(token.permissions),
        "overlaps": [(key, overlap, overlap.end(now)) for key, overlap in OVERLAPS.items()],
        "impact": impact_of(row.record, now),
        **choices,
    }
    return render(request, "tokens/service_accounts/token_rotate.html", context, status=status)
