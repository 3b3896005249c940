"""Pages that pause and resume a token, after showing what it affects. Need no scripts."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import errors
from accounts.errors import APIError
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from tokens.models import ServiceAccountToken
from tokens.pages.pause_form import PauseForm
from tokens.pages.receipt import refused_since
from tokens.pages.tokens import found_row
from tokens.service_accounts import pause, pause_report
from tokens.service_accounts.impact import impact_of
from tokens.service_accounts.issue import MANAGE

ENDED = "“{}” is no longer active, so it cannot be paused or resumed."


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def pause_one(request: PageRequest, token_id: str) -> HttpResponse:
    """Pause a token, or change the end and the reason of its pause."""
    row = found_row(request, token_id)
    if not row.is_live:
        return _back(request, row.token)
    form = PauseForm(request.POST if request.method == "POST" else None, token=row.token, now=row.now)
    if form.is_bound and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            pause.pause(token=row.token, actor=request.actor, until=form.until, reason=reason)
        except APIError as exc:
            if exc.error is not errors.INVALID_REQUEST:
                return _back(request, row.token, exc)
            form.add_refusal(exc)
        else:
            words = "Changed the pause of" if form.is_change else "Paused"
            messages.success(request, f"{words} “{row.token.name}”. {refused_since()}")
            return redirect("token_detail", row.token.public_id)
    context = {"row": row, "form": form, "impact": impact_of(row.record, row.now)}
    return render(
        request, "tokens/service_accounts/token_pause.html", context, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
@recently_authenticated
def resume_one(request: PageRequest, token_id: str) -> HttpResponse:
    row = found_row(request, token_id)
    token = row.token
    if not row.is_live:
        return _back(request, token)
    if request.method == "POST":
        # Also if it is not paused: a repeated request confirms one whose confirmation was lost.
        try:
            pause.resume(token=token, actor=request.actor)
        except APIError as exc:
            return _back(request, token, exc)
        messages.success(request, f"Resumed “{token.name}”. Calls with it are accepted again.")
        return redirect("token_detail", token.public_id)
    if not token.is_paused(row.now):
        messages.info(request, f"“{token.name}” is not paused.")
        return redirect("token_detail", token.public_id)
    context = {"row": row, "pause": pause_report.report(token, row.now)}
    return render(request, "tokens/service_accounts/token_resume.html", context)


def _back(request: PageRequest, token: ServiceAccountToken, exc: APIError | None = None) -> HttpResponse:
    """Redirect to the page of a token that has ended. Raises PermissionDenied for any other refusal."""
    if exc is not None and exc.error is not errors.TOKEN_NOT_ACTIVE:
        raise PermissionDenied
    messages.info(request, ENDED.format(token.name))
    return redirect("token_detail", token.public_id)
