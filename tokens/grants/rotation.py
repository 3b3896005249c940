"""Refresh token rotation with reuse detection (RFC 9700 section 4.14.2)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ratelimit import attempts
from ratelimit.types import FixedWindow
from tokens.audit import session_events
from tokens.crypto import opaque, tagged
from tokens.crypto.sealing import seal, unseal
from tokens.grants import refresh_tokens, status, token_pair
from tokens.grants.errors import InvalidGrant, RefreshedTooOften, ReuseDetected
from tokens.grants.revocation import revoke
from tokens.grants.status import GrantStatus
from tokens.grants.token_pair import TokenPair
from tokens.models import Grant, GrantKind, OAuthClient, RefreshToken
from tokens.notifications import refresh_reuse

logger = logging.getLogger(__name__)

REUSED = "A refresh token was used twice"
# Used refresh tokens of a grant whose reuse is detected.
GENERATIONS_KEPT = 50


def rotate(
    raw: str,
    *,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None = None,
    scope: Sequence[str] | None = None,
    now: datetime | None = None,
) -> TokenPair:
    """Exchange a refresh token for its successor, exactly once under any concurrency.

    A retry within REFRESH_GRACE_SECONDS returns the same successor while that is unused. Any other reuse
    revokes the grant and raises ReuseDetected, after the revocation has committed. A token of another
    client, or of a kind not in ``kinds``, raises InvalidGrant and changes nothing. Past REFRESHES_PER_MINUTE
    it raises RefreshedTooOften, before the token is used.
    """
    now = now or timezone.now()
    if not refresh_tokens.looks_real(raw):
        raise InvalidGrant("The refresh token is not valid.")
    with transaction.atomic(durable=True):
        outcome = _rotate(raw, kinds, client, scope, now)
    if isinstance(outcome, ReuseDetected):
        # In its own transaction, because the organization's lock comes before the grant's.
        with transaction.atomic():
            if revoke(Grant.objects.filter(pk=outcome.grant.pk), reason=REUSED, now=now):
                refresh_reuse.enqueue(outcome.grant, now)
                session_events.reuse_detected(outcome.grant)
        logger.warning("%s, and the grant %s was revoked", REUSED, outcome.grant.public_id)
    if isinstance(outcome, InvalidGrant):
        raise outcome
    return outcome


def is_exchangeable(token: RefreshToken, now: datetime) -> bool:
    """Return whether ``rotate`` would exchange the token now, or answer a retry. Any other use is refused."""
    row = status.load(token.grant_id)
    if row is None or status.evaluate(row, now) is not GrantStatus.ACTIVE:
        return False
    return _is_retry(token, now) if token.used_at else token.expires_at > now


def _rotate(
    raw: str,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None,
    scope: Sequence[str] | None,
    now: datetime,
) -> TokenPair | InvalidGrant:
    # The grant's lock orders rotation and revocation: what is read after it is current.
    locked = RefreshToken.objects.select_related("grant").select_for_update(of=("grant",), no_key=True)
    token = locked.filter(digest=opaque.digest(raw)).order_by().first()
    if token is None or token.grant.kind not in kinds:
        return InvalidGrant("The refresh token is not valid.")
    grant = token.grant
    if grant.client_id != (client.pk if client else None):
        return InvalidGrant("The refresh token is not valid.")
    _check_rate(grant)
    successor = tagged.new(refresh_tokens.PREFIX)
    used = RefreshToken.objects.filter(pk=token.pk, used_at=None, expires_at__gt=now).update(
        used_at=now, successor=seal(raw, successor)
    )
    if not used:
        return _reuse(raw, token, grant, scope, now)
    # An exception from here on rolls the use back.
    effective = token_pair.effective_scope(grant, scope, now)
    refresh_tokens.store(grant, token.generation + 1, successor, now)
    # Older ones become unknown: they are refused, but their reuse is no longer detected.
    grant.refresh_tokens.filter(generation__lte=token.generation - GENERATIONS_KEPT).delete()
    return token_pair.build(grant, successor, effective, now)


def _check_rate(grant: Grant) -> None:
    window = FixedWindow("refreshes", f"refreshes:{grant.pk.hex}", settings.REFRESHES_PER_MINUTE)
    try:
        attempts.reserve([window])
    except attempts.TooManyAttempts as error:
        raise RefreshedTooOften(error.retry_after) from None


def _reuse(
    raw: str, token: RefreshToken, grant: Grant, scope: Sequence[str] | None, now: datetime
) -> TokenPair | InvalidGrant:
    """Handle the second use of a token: a retry, or a sign that the token was stolen."""
    token.refresh_from_db()
    if token.used_at is None:
        return InvalidGrant("The refresh token has expired.")
    if _is_retry(token, now) and (successor := unseal(raw, bytes(token.successor or b""))):
        return token_pair.build(grant, successor, token_pair.effective_scope(grant, scope, now), now)
    if grant.revoked_at is not None:
        return InvalidGrant("The grant has ended.")
    return ReuseDetected(grant)


def _is_retry(token: RefreshToken, now: datetime) -> bool:
    """Return whether the client may have lost the response: the use is recent, the successor unused."""
    if token.used_at is None or token.successor is None:
        return False
    following = RefreshToken.objects.filter(grant_id=token.grant_id, generation=token.generation + 1)
    in_time = now - token.used_at < timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    return in_time and following.filter(used_at=None).exists()
