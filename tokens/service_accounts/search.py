"""Search of an organization's tokens by status, by text, and by a whole secret."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q

from tokens.crypto import opaque
from tokens.models import ServiceAccountToken, TokenQuerySet, TokenSecret
from tokens.service_accounts import pasted


class Filter(models.TextChoices):
    ACTIVE = "active", "Active"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
    ALL = "all", "All"


def of_organization(organization_id: UUID) -> TokenQuerySet:
    found: TokenQuerySet = ServiceAccountToken.objects.filter(organization_id=organization_id)
    return found


def with_status(tokens: TokenQuerySet, status: str, now: datetime) -> TokenQuerySet:
    """Filter by a status of ``Filter``."""
    if status == Filter.ACTIVE:
        return tokens.active(now)
    if status == Filter.EXPIRED:
        return tokens.expired(now)
    return tokens.stopped() if status == Filter.REVOKED else tokens


def matching(tokens: TokenQuerySet, text: str) -> TokenQuerySet:
    """Filter by text in name or description, or by the prefix or last four characters of the secret."""
    if not text:
        return tokens
    last_four = pasted.last_four_in(text) or text
    secrets = TokenSecret.objects.filter(token_id=OuterRef("pk"))
    by_secret = Exists(secrets.filter(Q(last_four=last_four) | Q(prefix__startswith=text, prefix__gt="")))
    return tokens.filter(Q(name__icontains=text) | Q(description__icontains=text) | by_secret)


def belonging_to(tokens: TokenQuerySet, secret: str) -> ServiceAccountToken | None:
    """Return the token of a whole secret, also if it has ended, or None."""
    if not opaque.looks_real(secret):
        return None
    return tokens.filter(secrets__digest=opaque.digest(secret)).first()
