"""What may change about a token after its creation: how people call and describe it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from tokens.audit import tokens
from tokens.models import ServiceAccountToken
from tokens.service_accounts import names
from tokens.service_accounts.issue import current_rights


@transaction.atomic
def rename(
    *, token: ServiceAccountToken, actor: Actor, name: str | None = None, description: str | None = None
) -> ServiceAccountToken:
    """Change what is given. Raises APIError (400) where another active token has the name."""
    Organization.objects.lock_all([token.organization_id])
    current_rights(actor)
    before = {"name": token.name, "description": token.description}
    if name is not None:
        if is_taken(token, name):
            raise APIError(errors.INVALID_REQUEST, fields={"name": [names.TAKEN]})
        token.name = name
    if description is not None:
        token.description = description
    token.save(update_fields=["name", "description"])
    # Nothing is taken away, but a program that asks who it is must not be told the old name.
    Organization.objects.advance([token.organization_id])
    after = {"name": token.name, "description": token.description}
    tokens.updated(token, actor, log.difference(before, after))
    return token


def is_taken(token: ServiceAccountToken, name: str) -> bool:
    """Whether another active token has the name; names of tokens that are not active are not compared."""
    now = timezone.now()
    if name == token.name or not ServiceAccountToken.objects.filter(pk=token.pk).active(now).exists():
        return False
    return names.is_taken(token.organization_id, name, now, token_id=token.pk)
