"""Creation of a token's secret, for a new token and for a rotation."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from tokens.credentials.known_digests import announce
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken, TokenSecret


def create_secret(token: ServiceAccountToken, now: datetime, **fields: Any) -> tuple[TokenSecret, str]:
    """Store a new secret's digest, and announce it after the commit. Returns its row and its plaintext."""
    new = opaque.new()
    secret = TokenSecret.objects.create(
        token=token, digest=new.digest, prefix=new.prefix, last_four=new.last_four, created_at=now, **fields
    )
    transaction.on_commit(partial(announce, new.digest))
    return secret, new.plaintext
