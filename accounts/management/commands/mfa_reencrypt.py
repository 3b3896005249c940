"""Re-encrypts second factors under the current key, so that an earlier key can be dropped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.authentication import mfa_secrets
from accounts.authentication.mfa_secrets import State


class Command(BaseCommand):
    help = (
        "Encrypt every second factor with the first of MFA_ENCRYPTION_KEYS; "
        "lists those that no key decrypts and then exits with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing, list the unreadable ones.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            counts = mfa_secrets.reencrypt_all()
            self.stdout.write(", ".join(f"{state}: {counts[state]}" for state in State))
        unreadable = mfa_secrets.unreadable_owners()
        for user in unreadable:
            self.stdout.write(self.style.ERROR(f"unreadable: {user.public_id} {user.email}"))
        if unreadable:
            raise CommandError(f"Unreadable: {len(unreadable)}.", returncode=1)
