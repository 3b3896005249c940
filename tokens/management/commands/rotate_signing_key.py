"""Add a signing key for access tokens. Tokens of earlier keys stay valid, except with --now."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from accounts import dates
from tokens.crypto import access_jwt, signing_keys
from tokens.grants.token_pair import access_seconds
from tokens.models import GrantKind


class Command(BaseCommand):
    help = (
        "Add a signing key to JWT_SIGNING_KEYS_FILE. It signs after clients have had time to fetch it. "
        "Every server reads the file within a second, without a restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            action="store_true",
            help="For a key that may have been disclosed: sign with the new one at once, and refuse every "
            "access token of earlier keys; clients then refresh. Programs that cache the published keys may "
            "refuse new tokens and accept old ones for some minutes, until they fetch the keys again.",
        )

    def handle(self, *args: Any, now: bool, **options: Any) -> None:
        longest = max(map(access_seconds, GrantKind)) + access_jwt.LEEWAY_SECONDS
        key = signing_keys.rotate(int(time.time()), longest_lifetime=longest, at_once=now)
        starts = dates.exactly(datetime.fromtimestamp(key.signs_from, UTC))
        if now:
            # Every process that shares the file has read it by then.
            time.sleep(signing_keys.CHECK_SECONDS)
            self.stdout.write("Earlier keys are refused from now on.")
        self.stdout.write(f"Key {key.kid} signs from {starts}.")
        for earlier in signing_keys.current().keys.values():
            if earlier.verifies_until is not None:
                until = dates.exactly(datetime.fromtimestamp(earlier.verifies_until, UTC))
                self.stdout.write(f"Key {earlier.kid} verifies until {until}.")
