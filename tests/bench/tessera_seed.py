"""Fills Tessera's tables and prints the tokens in use, one JSON object: name -> headers' values."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from accounts.models import Membership, Organization, User  # noqa: E402
from ratelimit.models import Plan  # noqa: E402
from tests.bench.fill import TOKENS_EACH, fill  # noqa: E402
from tokens.crypto import opaque  # noqa: E402
from tokens.models import ServiceAccountToken, TokenSecret  # noqa: E402

rows, used = int(sys.argv[1]), int(sys.argv[2])
plan, _ = Plan.objects.get_or_create(slug="bench", defaults={"name": "Bench", "requests_per_day": 10**9})
user = User.objects.create_user("bench@example.com", None)
secrets = [opaque.new() for _ in range(used)]
for number, secret in enumerate(secrets):
    if number % TOKENS_EACH == 0:
        organization = Organization.objects.create(name="Bench", slug=f"bench-{number}", plan=plan)
        member = Membership.objects.create(organization=organization, user=user, role="owner")
    token = ServiceAccountToken.objects.create(
        organization=organization,
        name=f"Token {number}",
        permissions=["index:read:*"],
        created_by=user,
        responsible=member,
        expires_at=timezone.now() + timedelta(days=90),
    )
    stored = TokenSecret.objects.create(
        token=token, digest=secret.digest, prefix=secret.prefix, last_four=secret.last_four
    )
fill(stored, max(0, rows - used) // TOKENS_EACH)
good = [f"Bearer {secret.plaintext}" for secret in secrets[:used]]
print(
    json.dumps(
        {
            "whoami": good,
            "verify": good,
            "malformed": ["Bearer not-a-token"],
            "unknown": [f"Bearer {opaque.new().plaintext}" for _ in range(used)],
        }
    )
)
