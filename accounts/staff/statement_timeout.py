"""Statement timeout of the admin's pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts import locking


class AdminTimeoutMiddleware:
    """Gives the admin's queries DATABASE_ADMIN_SECONDS, those of a page's rendering included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(reverse("admin:index")):
            return self.get_response(request)
        with locking.at_least(settings.DATABASE_ADMIN_SECONDS):
            return self.get_response(request)
