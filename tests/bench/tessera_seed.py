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
from tokens import opaque  # noqa: E402
from tokens.models import ServiceAccountToken, TokenSecret  # noqa: E402

PER_ORGANIZATION = 50

rows, used = int(sys.argv[1]), int(sys.argv[2])
plan, _ = Plan.objects.get_or_create(slug="bench", defaults={"name": "Bench", "requests_per_day": 10**9})
count = max(1, rows // PER_ORGANIZATION)
user = User.objects.create_user("bench@example.com", None)
organizations = Organization.objects.bulk_create(
    [Organization(name=f"Bench {n}", slug=f"bench-{n}", plan=plan) for n in range(count)], batch_size=5000
)
memberships = Membership.objects.bulk_create(
    [Membership(organization=one, user=user, role="owner") for one in organizations], batch_size=5000
)
tokens = ServiceAccountToken.objects.bulk_create(
    [
        ServiceAccountToken(
            organization=memberships[n % count].organization,
            name=f"Token {n}",
            permissions=["index:read:*"],
            created_by=user,
            responsible=memberships[n % count],
            expires_at=timezone.now() + timedelta(days=90),
        )
        for n in range(rows)
    ],
    batch_size=5000,
)
secrets = [opaque.new() for _ in tokens]
TokenSecret.objects.bulk_create(
    [
        TokenSecret(token=token, digest=secret.digest, prefix=secret.prefix, last_four=secret.last_four)
        for token, secret in zip(tokens, secrets, strict=True)
    ],
    batch_size=5000,
)
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
