"""Change of a token's name and description."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.authorization.rights import authorization_of
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from tokens.audit import token_events
from tokens.models import ServiceAccountToken
from tokens.service_accounts import names
from tokens.service_accounts.issue import MANAGE


@transaction.atomic
def rename(
    *, token: ServiceAccountToken, actor: Actor, name: str | None = None, description: str | None = None
) -> ServiceAccountToken:
    """Change the given values. Raises APIError(invalid_request) if another active token has the name."""
    Organization.objects.lock_all([token.organization_id])
    authorization_of(actor, MANAGE)
    before = {"name": token.name, "description": token.description}
    if name is not None:
        if is_taken(token, name):
            raise APIError(errors.INVALID_REQUEST, fields={"name": [names.TAKEN]})
        token.name = name
    if description is not None:
        token.description = description
    token.save(update_fields=["name", "description"])
    # A program that asks for its identity must get the new name.
    Organization.objects.advance([token.organization_id])
    after = {"name": token.name, "description": token.description}
    token_events.updated(token, actor, log.difference(before, after))
    return token


def is_taken(token: ServiceAccountToken, name: str) -> bool:
    """Return whether another active token has the name. Tokens that are not active may share names."""
    now = timezone.now()
    if name == token.name or not ServiceAccountToken.objects.filter(pk=token.pk).active(now).exists():
        return False
    return names.is_taken(token.organization_id, name, now, token_id=token.pk)
