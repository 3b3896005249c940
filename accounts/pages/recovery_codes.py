"""allauth's pages of recovery codes; codes that cannot be decrypted lead to the page of new ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.recovery_codes import views
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic.edit import FormView

from accounts.authentication.mfa_secrets import Unreadable

View = Callable[..., HttpResponse]


class GenerateView(views.GenerateRecoveryCodesView):  # type: ignore[misc]
    """Count the remaining codes, which needs a readable secret; new codes need none."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            return dict(super().get_context_data(**kwargs))
        except Unreadable:
            return FormView.get_context_data(self, **kwargs) | {"unused_code_count": 0}


def or_make_new(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Unreadable:
            messages.error(request, "This server cannot read your recovery codes any more. Make new ones.")
            return redirect("mfa_generate_recovery_codes")

    return guarded


view = or_make_new(views.view_recovery_codes)
download = or_make_new(views.download_recovery_codes)
generate = GenerateView.as_view()
