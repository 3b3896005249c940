"""A new key for access tokens; those that the one before it signs stay good to their end."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from accounts import moments
from tokens import keys, signed
from tokens.grants import access_seconds
from tokens.models import GrantKind


class Command(BaseCommand):
    help = (
        "Add a signing key to JWT_SIGNING_KEYS_FILE. It signs when others have had time to learn it; "
        "every server sees the file within a second, without a restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            action="store_true",
            help="Sign by it at once, where the one before may be known to somebody else. Programs that keep "
            "the published keys may refuse the first tokens for some minutes.",
        )

    def handle(self, *args: Any, now: bool, **options: Any) -> None:
        longest = max(map(access_seconds, GrantKind)) + signed.LEEWAY_SECONDS
        made = keys.rotate(int(time.time()), longest_lifetime=longest, at_once=now)
        starts = moments.exactly(datetime.fromtimestamp(made.signs_from, UTC))
        self.stdout.write(f"Key {made.kid} signs from {starts}.")
        for key in keys.current().keys.values():
            if key.verifies_until is not None:
                until = moments.exactly(datetime.fromtimestamp(key.verifies_until, UTC))
                self.stdout.write(f"Key {key.kid} verifies until {until}.")
