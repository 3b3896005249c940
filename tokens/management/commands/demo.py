"""Create a demo organization in an empty installation, and print how to use it. Run by ``make run``."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, User
from accounts.organizations import provisioning
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tokens.management.commands.bootstrap import acting_for
from tokens.models import ServiceAccountToken
from tokens.service_accounts import expiry
from tokens.service_accounts.issue import issue
from tokens.service_accounts.revoke import revoke

EMAIL = "demo@example.com"
ORGANIZATION = "Demo"
TOKEN_NAME = "make run"
TOKEN_DAYS = 30
KEPT_TOKENS = 5
PERMISSIONS = ["tokens.view", "usage.view", "index:read:*"]


class Command(BaseCommand):
    help = "Create the demo organization if need be, and print how to sign in and call the API."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo creates a superuser and prints its password: not with DEBUG=False.")
        password = self._password(settings.VAR_DIR / "demo-password")
        with transaction.atomic():
            user = User.objects.filter(email=EMAIL).first() or provisioning.person(
                email=EMAIL, password=password, name="Demo Owner", superuser=True
            )
            organization = provisioning.organization(name=ORGANIZATION, plan="solopreneur")
            membership = provisioning.membership(user=user, organization=organization, role=Role.OWNER)
            token = self._token(membership)
        self.stdout.write(
            f"\nTessera is starting. Sign in at {settings.BASE_URL}/accounts/login/\n"
            f"  E-mail:   {EMAIL}\n"
            f"  Password: {password if user.check_password(password) else '(the one you have set)'}\n\n"
            "Call the API:\n\n"
            f'curl -H "Authorization: Bearer {token}" {settings.BASE_URL}/api/auth/whoami\n'
        )
        if not settings.REDIS_URL:
            self.stdout.write("Without REDIS_URL limits and usage are counted in SQL; nothing is cached.\n")
        self.stdout.flush()

    def _password(self, path: Path) -> str:
        """Return the installation's demo password, created once in a file readable by its owner only."""
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(12))
        return path.read_text().strip()

    def _token(self, membership: Membership) -> str:
        """Create the printed token. Only the latest tokens of earlier runs stay active."""
        earlier = ServiceAccountToken.objects.filter(
            organization=membership.organization, name__startswith=TOKEN_NAME
        )
        for token in earlier.active(timezone.now()).order_by("-id")[KEPT_TOKENS - 1 :]:
            revoke(token=token, actor=SYSTEM, reason="Replaced by a newer run")
        name = f"{TOKEN_NAME} {timezone.now():%Y-%m-%d %H:%M:%S}.{secrets.token_hex(2)}"
        days = min(TOKEN_DAYS, expiry.longest(membership.organization))
        return issue(
            actor=acting_for(membership), name=name, permissions=PERMISSIONS, expires_in_days=days
        ).plaintext
