"""allauth's seams: who may sign up, and where a browser's request came from."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts import browser_sessions
from accounts.models import User
from ratelimit.client import client_ip

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        browser_sessions.begin(request)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or UNKNOWN_ADDRESS
