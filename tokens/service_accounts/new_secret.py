"""Creation of a token's secret, for a new token and for a rotation."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from accounts.permissions.actor import Actor
from tokens.credentials.known_digests import announce
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.creators import creator_of


def create_secret(
    token: ServiceAccountToken, actor: Actor, now: datetime, **fields: Any
) -> tuple[TokenSecret, str]:
    """Store the digest of a new secret, which the actor is shown, and announce it after the commit.

    Returns its row and its plaintext.
    """
    new = opaque.new()
    secret = TokenSecret.objects.create(
        token=token,
        digest=new.digest,
        prefix=new.prefix,
        last_four=new.last_four,
        shown_to_id=actor.user_id,
        **creator_of(actor, now).fields,
        created_at=now,
        **fields,
    )
    transaction.on_commit(partial(announce, new.digest))
    return secret, new.plaintext
