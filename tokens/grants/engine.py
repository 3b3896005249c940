"""The one grant engine under every front door: families are opened, rotated and ended here, without HTTP."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import typeid
from accounts.authentication.browser_sessions import BrowserSession
from accounts.models import Membership, Organization, User
from accounts.proof import Proof
from ratelimit import attempts
from ratelimit.types import FixedWindow
from tokens.audit import sessions
from tokens.crypto import access_jwt, opaque, tagged
from tokens.crypto.sealing import seal, unseal
from tokens.grants.status import Standing, judge, row_of, scopes_of
from tokens.models import Grant, GrantKind, OAuthClient, RefreshToken
from tokens.notifications import refresh_reuse

logger = logging.getLogger(__name__)

DASHBOARD = "tessera-dashboard"
REFRESH_PREFIX = "tsr_rt_"
REUSED = "A spent refresh token was used again"
# Spent refresh tokens of a family whose second use is recognized.
GENERATIONS_KEPT = 50


class InvalidGrant(Exception):
    """RFC 6749 section 5.2, invalid_grant; the sentence is for people and gives no secret away."""


class InvalidScope(Exception):
    """More was asked for than the grant holds."""


class RefreshedTooOften(Exception):
    """The family has used up its refreshes of this minute; the refresh token is still unused."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after


class ReuseDetected(InvalidGrant):
    """A spent refresh token came back; its family has been revoked."""

    def __init__(self, grant: Grant) -> None:
        super().__init__("The refresh token was used before.")
        self.grant = grant


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a front door hands out; ``expires_in`` is in seconds, ``scope`` what the access token holds."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: tuple[str, ...]
    grant: Grant


@transaction.atomic
def open_for_member(
    *,
    membership: Membership,
    kind: GrantKind,
    proof: Proof,
    browser: BrowserSession | None = None,
    verified_password: str | None = None,
    user_agent: str = "",
    address: str | None = None,
    now: datetime | None = None,
) -> Tokens:
    """Start a person's family. ``verified_password`` is the stored hash that was checked before.

    With a ``browser`` it ends when the session of that browser does.

    Raises InvalidGrant where the password was changed, or the person or membership ended, meanwhile,
    and where the organization is suspended.
    """
    now = now or timezone.now()
    user = User.objects.select_for_update(no_key=True).filter(pk=membership.user_id).first()
    if user is None:
        raise InvalidGrant("The account was deleted meanwhile.")
    if verified_password is not None and user.password != verified_password:
        raise InvalidGrant("The password was changed meanwhile.")
    latest = now + timedelta(days=settings.GRANT_MAX_DAYS)
    grant = Grant.objects.create(
        kind=kind,
        organization_id=membership.organization_id,
        user=user,
        membership_id=membership.pk,
        password_version=user.password_version,
        created_at=now,
        expires_at=min(latest, browser.expires_at) if browser else latest,
        proof=proof.stored,
        browser_id=browser.id if browser else None,
        user_agent=user_agent[:300],
        address=address,
    )
    tokens = _hand_out(grant, _new_refresh_token(grant, 1, now), _held(grant, None, now), now)
    sessions.opened(grant, user)
    return tokens


@transaction.atomic
def open_for_client(
    *,
    client: OAuthClient,
    scope: Sequence[str] | None,
    address: str | None = None,
    now: datetime | None = None,
) -> Tokens:
    """Start a client's family (RFC 6749 section 4.4); raises InvalidScope beyond the client's own.

    Raises InvalidGrant where the client has ended, or its organization was suspended, meanwhile.
    """
    now = now or timezone.now()
    latest = now + timedelta(days=settings.GRANT_MAX_DAYS)
    grant = Grant.objects.create(
        kind=GrantKind.CLIENT,
        organization_id=client.organization_id,
        client=client,
        scope=list(scope or client.scopes),
        created_at=now,
        expires_at=min(latest, client.secret_ends_at or latest),
        address=address,
    )
    return _hand_out(grant, _new_refresh_token(grant, 1, now), _held(grant, scope, now), now)


def rotate(
    raw: str,
    *,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None = None,
    scope: Sequence[str] | None = None,
    now: datetime | None = None,
) -> Tokens:
    """Exchange a refresh token for its successor, exactly once under any concurrency.

    A retry within REFRESH_GRACE_SECONDS gets the same successor while that is unused; any other
    second use revokes the family and raises ReuseDetected, after the revocation has committed.
    Another client's token, or another door's, raises InvalidGrant and changes nothing.
    Past REFRESHES_PER_MINUTE it raises RefreshedTooOften, before anything is used up.
    """
    now = now or timezone.now()
    if not looks_real(raw):
        raise InvalidGrant("The refresh token is not valid.")
    with transaction.atomic(durable=True):
        outcome = _rotate(raw, kinds, client, scope, now)
    if isinstance(outcome, ReuseDetected):
        # The organization's lock comes before the family's, which the rotation has held until now.
        with transaction.atomic():
            if revoke(Grant.objects.filter(pk=outcome.grant.pk), reason=REUSED, now=now):
                refresh_reuse.enqueue(outcome.grant, now)
                sessions.reuse_detected(outcome.grant)
        logger.warning("%s, and the family of %s has ended", REUSED, outcome.grant.public_id)
    if isinstance(outcome, InvalidGrant):
        raise outcome
    return outcome


@transaction.atomic
def revoke(grants: QuerySet[Grant], *, reason: str, now: datetime | None = None) -> int:
    """End the families among ``grants`` that are not revoked yet; returns how many.

    Takes their organizations' locks first. A repetition tells every worker once more.
    """
    organizations = set(grants.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations)
    chosen = Grant.objects.filter(pk__in=grants.filter(revoked_at=None).values("pk"), revoked_at=None)
    # Locked in one order, so that two callers who end the same families never wait for each other.
    for _ in chosen.order_by("pk").select_for_update(no_key=True).values_list("pk").iterator():
        pass
    ended = chosen.update(revoked_at=now or timezone.now(), revoked_reason=reason[:100])
    if ended:
        Organization.objects.advance(organizations)
    else:
        Organization.objects.confirm(organizations)
    return ended


def looks_real(raw: str) -> bool:
    return (
        raw.startswith(REFRESH_PREFIX)
        and len(raw) == len(REFRESH_PREFIX) + opaque.PREFIXED_LENGTH
        and raw.isascii()
        and raw[len(REFRESH_PREFIX) :].isalnum()
    )


def find_refresh_token(raw: str) -> RefreshToken | None:
    """The row of a refresh token, spent or not; None for anything else."""
    if not looks_real(raw):
        return None
    return RefreshToken.objects.filter(digest=opaque.digest(raw)).select_related("grant").first()


def _rotate(
    raw: str,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None,
    scope: Sequence[str] | None,
    now: datetime,
) -> Tokens | InvalidGrant:
    # The family's lock orders rotation against revocation; what is read after this is true.
    family = RefreshToken.objects.select_related("grant").select_for_update(of=("grant",), no_key=True)
    token = family.filter(digest=opaque.digest(raw)).order_by().first()
    if token is None or token.grant.kind not in kinds:
        return InvalidGrant("The refresh token is not valid.")
    grant = token.grant
    if grant.client_id != (client.pk if client else None):
        return InvalidGrant("The refresh token is not valid.")
    _check_pace(grant)
    successor = tagged.new(REFRESH_PREFIX)
    spent = RefreshToken.objects.filter(pk=token.pk, used_at=None, expires_at__gt=now).update(
        used_at=now, successor=seal(raw, successor)
    )
    if spent:
        # Whatever is raised here takes the spending back with it.
        held = _held(grant, scope, now)
        _keep_refresh_token(grant, token.generation + 1, successor, now)
        # An older one is unknown from now on: refused, but no sign any more that the family was stolen.
        grant.refresh_tokens.filter(generation__lte=token.generation - GENERATIONS_KEPT).delete()
        return _hand_out(grant, successor, held, now)
    return _use_again(raw, token, grant, scope, now)


def _check_pace(grant: Grant) -> None:
    window = FixedWindow("refreshes", f"refreshes:{grant.pk.hex}", settings.REFRESHES_PER_MINUTE)
    try:
        attempts.reserve([window])
    except attempts.TooManyAttempts as error:
        raise RefreshedTooOften(error.retry_after) from None


def _use_again(
    raw: str, token: RefreshToken, grant: Grant, scope: Sequence[str] | None, now: datetime
) -> Tokens | InvalidGrant:
    """The second use of a token: a retry, or a sign that somebody else has it too."""
    token.refresh_from_db()
    if token.used_at is None:
        return InvalidGrant("The refresh token has expired.")
    in_time = now - token.used_at < timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    if in_time and (again := _lost_successor(raw, token)):
        return _hand_out(grant, again, _held(grant, scope, now), now)
    if grant.revoked_at is not None:
        return InvalidGrant("The grant has ended.")
    return ReuseDetected(grant)


def _lost_successor(raw: str, token: RefreshToken) -> str | None:
    """The successor handed out before, for a client that lost the answer; None once it was used."""
    follower = RefreshToken.objects.filter(grant_id=token.grant_id, generation=token.generation + 1)
    if token.successor is None or not follower.filter(used_at=None).exists():
        return None
    return unseal(raw, bytes(token.successor))


def _held(grant: Grant, wanted: Sequence[str] | None, now: datetime) -> tuple[str, ...]:
    """What an access token of a living family holds: all it may now, or the part that is wanted.

    Raises InvalidGrant where the family has ended, InvalidScope for more than it holds, and for nothing.
    """
    row = row_of(grant.pk)
    if row is None or judge(row, now) is not Standing.GOOD:
        raise InvalidGrant("The grant has ended.")
    held = scopes_of(row, grant.scope)
    if wanted and held.missing(wanted):
        raise InvalidScope("This scope is more than was granted.")
    scope = tuple(wanted or held.texts)
    if grant.client_id is not None and not scope:
        raise InvalidScope("Nothing of what was granted is allowed any more.")
    return scope


def _new_refresh_token(grant: Grant, generation: int, now: datetime) -> str:
    raw = tagged.new(REFRESH_PREFIX)
    _keep_refresh_token(grant, generation, raw, now)
    return raw


def _keep_refresh_token(grant: Grant, generation: int, raw: str, now: datetime) -> None:
    RefreshToken.objects.create(
        grant=grant,
        generation=generation,
        digest=opaque.digest(raw),
        created_at=now,
        expires_at=min(now + timedelta(days=settings.REFRESH_DAYS), grant.expires_at),
    )


def _hand_out(grant: Grant, refresh_token: str, scope: tuple[str, ...], now: datetime) -> Tokens:
    end = min(now + timedelta(seconds=access_seconds(GrantKind(grant.kind))), grant.expires_at)
    issued_at, expires_at = int(now.timestamp()), int(end.timestamp())
    client_id = typeid.encode("cli", grant.client_id) if grant.client_id else DASHBOARD
    access_token = access_jwt.encode(
        sub=typeid.encode("usr", grant.user_id) if grant.user_id else client_id,
        client_id=client_id,
        sid=grant.public_id,
        org=typeid.encode("org", grant.organization_id),
        scope=" ".join(scope),
        jti=secrets.token_urlsafe(16),
        iat=issued_at,
        exp=expires_at,
    )
    return Tokens(access_token, refresh_token, expires_at - issued_at, scope, grant)


def access_seconds(kind: GrantKind) -> int:
    """How long an access token of this door lives."""
    seconds: dict[GrantKind, int] = {
        GrantKind.SESSION: settings.SESSION_ACCESS_SECONDS,
        GrantKind.SINGLE_SIGN_ON: settings.OAUTH_ACCESS_SECONDS,
        GrantKind.PASSWORD: settings.PASSWORD_GRANT_ACCESS_SECONDS,
        GrantKind.CLIENT: settings.OAUTH_ACCESS_SECONDS,
    }
    return seconds[kind]
