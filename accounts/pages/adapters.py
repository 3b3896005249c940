"""allauth's account adapter: mails, redirects and client addresses."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.core import context
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts.authentication import browser_sessions, emails, throttling, user_events
from accounts.models import User
from accounts.notifications import outbox
from accounts.oidc import providers
from accounts.registration import password_reset, social_accounts, verification
from accounts.validation.local_paths import is_local_path
from ratelimit.client_ip import client_ip

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The e-mail address or the password is not right.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Close allauth's sign-up: ours creates or joins an organization as well."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages answer in HTML; only a sign-in by passkey asks for its challenge in JSON."""
        return request.path.endswith("/webauthn/login/") and super().is_ajax(request)

    def is_safe_url(self, url: str | None) -> bool:
        return is_local_path(url or "")

    @transaction.atomic
    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        browser_sessions.begin(request)
        throttling.remember(user, request)
        user_events.record("user.signed_in", user)

    def logout(self, request: HttpRequest) -> None:
        browser_sessions.leave(request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """allauth's and the person's providers; people who have none of them set a password by mail."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not isinstance(user, User):
            return methods
        connected = social_accounts.of_user(user)
        for provider in providers.configured():
            if provider.slug in connected:
                url = reverse(f"{provider.slug}_reauthenticate")
                methods.append({"id": provider.slug, "description": f"Use {provider.name}", "url": url})
        if not methods:
            url = reverse("account_reset_password")
            methods.append({"id": "reset", "description": "Set a password by mail", "url": url})
        return methods

    def set_password(self, user: User, password: str) -> None:
        password_reset.set_password(user, password)
        # The page of a signed-in user: this browser and its network are the user's.
        throttling.remember(user, context.request)

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: EmailConfirmationHMAC, signup: bool
    ) -> None:
        """Mail our own link after a right password for an unverified address."""
        address: EmailAddress = emailconfirmation.email_address
        verification.request(address.user)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Mail a security notice, except of a changed password, which its flow mails itself."""
        if template_prefix not in ("account/email/password_changed", "account/email/password_reset"):
            outbox.enqueue(emails.security_notice(template_prefix), email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send none of allauth's mails: their links have the host of the request's header."""
        raise NotImplementedError(template_prefix)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or UNKNOWN_ADDRESS
