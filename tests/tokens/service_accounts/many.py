"""Organizations with a long past: hundreds of tokens in two statements."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from django.utils import timezone

from accounts.models import Membership
from tokens.models import ServiceAccountToken, TokenSecret


def make_many(
    member: Membership, count: int, *, revoked: bool = False, name: str = "old", rotations: int = 0
) -> None:
    now = timezone.now()
    tokens = [
        ServiceAccountToken(
            organization=member.organization,
            name=f"{name} {number:05}",
            permissions=["index:read:*"],
            created_by=member.user,
            responsible=member,
            created_at=now - timedelta(minutes=number),
            revoked_at=now if revoked else None,
        )
        for number in range(count)
    ]
    ServiceAccountToken.objects.bulk_create(tokens, batch_size=1000)
    secrets = [
        TokenSecret(
            token=token,
            digest=sha256(token.pk.bytes + bytes(number)).digest(),
            prefix="tsr_sa_",
            last_four="abcd",
            superseded_at=now if number < rotations else None,
            valid_until=now + timedelta(days=1) if number < rotations else None,
        )
        for token in tokens
        for number in range(rotations + 1)
    ]
    TokenSecret.objects.bulk_create(secrets, batch_size=1000)
