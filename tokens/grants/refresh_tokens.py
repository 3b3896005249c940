"""Refresh tokens: format, storage and look-up by digest."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from tokens.crypto import opaque, tagged
from tokens.models import Grant, RefreshToken

PREFIX = "tsr_rt_"


def looks_real(raw: str) -> bool:
    """Return whether the string has the format of a refresh token."""
    return (
        raw.startswith(PREFIX)
        and len(raw) == len(PREFIX) + opaque.PREFIXED_LENGTH
        and raw.isascii()
        and raw[len(PREFIX) :].isalnum()
    )


def find(raw: str) -> RefreshToken | None:
    """Return the row of a refresh token, used or not; None for anything else."""
    if not looks_real(raw):
        return None
    return RefreshToken.objects.filter(digest=opaque.digest(raw)).select_related("grant").first()


def new(grant: Grant, now: datetime) -> str:
    """Store the first refresh token of a grant. Returns its plaintext."""
    raw = tagged.new(PREFIX)
    store(grant, 1, raw, now)
    return raw


def store(grant: Grant, generation: int, raw: str, now: datetime) -> None:
    RefreshToken.objects.create(
        grant=grant,
        generation=generation,
        digest=opaque.digest(raw),
        created_at=now,
        expires_at=min(now + timedelta(days=settings.REFRESH_DAYS), grant.expires_at),
    )
