"""Statement timeout of the admin's pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts import locking


class AdminTimeoutMiddleware:
    """Raise the statement timeout to DATABASE_ADMIN_SECONDS, also while the page is rendered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(reverse("admin:index")):
            return self.get_response(request)
        with locking.at_least(settings.DATABASE_ADMIN_SECONDS):
            return self.get_response(request)
