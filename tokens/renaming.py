"""What may change about a token after its creation: how people call and describe it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Organization
from ratelimit import refusals
from ratelimit.refusals import Refused
from tokens import names, trail
from tokens.issuing import current_rights
from tokens.models import ServiceAccountToken


@transaction.atomic
def rename(
    *, token: ServiceAccountToken, actor: Actor, name: str | None = None, description: str | None = None
) -> ServiceAccountToken:
    """Change what is given. Raises Refused (400) where another active token has the name."""
    Organization.objects.lock_all([token.organization_id])
    current_rights(actor)
    before = {"name": token.name, "description": token.description}
    if name is not None:
        if is_taken(token, name):
            raise Refused(refusals.INVALID_REQUEST, fields={"name": [names.TAKEN]})
        token.name = name
    if description is not None:
        token.description = description
    token.save(update_fields=["name", "description"])
    # Nothing is taken away, but a program that asks who it is must not be told the old name.
    Organization.objects.advance([token.organization_id])
    after = {"name": token.name, "description": token.description}
    trail.updated(token, actor, audit.difference(before, after))
    return token


def is_taken(token: ServiceAccountToken, name: str) -> bool:
    """Whether another active token has the name; names of tokens that are not active are not compared."""
    now = timezone.now()
    if name == token.name or not ServiceAccountToken.objects.filter(pk=token.pk).active(now).exists():
        return False
    return names.is_taken(token.organization_id, name, now, token_id=token.pk)
