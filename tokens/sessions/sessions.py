"""People's sessions at the API, without HTTP: opened, refreshed, listed and ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from accounts import errors, typeid
from accounts.audit import log
from accounts.authentication import known_devices
from accounts.authentication.browser_sessions import BrowserSession
from accounts.authorization import policies
from accounts.errors import APIError
from accounts.members import last_seen
from accounts.models import Membership, Organization, User
from accounts.permissions.actor import Actor
from accounts.proof import Proof
from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens import user_agent as devices
from tokens.audit import sessions
from tokens.grants import capping, engine
from tokens.grants.engine import InvalidGrant, RefreshedTooOften, Tokens
from tokens.models import Grant, GrantKind, RefreshToken
from tokens.sessions import errors as session_errors

SIGNED_OUT = "Signed out"
ENDED = "Ended by its owner"
TOO_MANY = "Unused for longest of too many sessions"


@dataclass(frozen=True, slots=True)
class Session:
    """A family of a person's tokens as its owner sees it."""

    grant: Grant
    device: str
    last_seen_at: datetime
    last_seen_ip: str | None
    current: bool


def membership_of(user: User, organization: str | None, *, proof: Proof) -> Membership:
    """The place to sign in to: the organization of that id or slug, else the person's oldest one.

    Raises APIError: no_membership, also for an organization that does not exist; organization_suspended;
    sso_required, mfa_required.
    """
    mine = Membership.objects.of(user).select_related("organization", "user")
    if organization is not None:
        mine = mine.filter(**_naming(organization))
    return entered(mine.first(), proof=proof)


def entered(member: Membership | None, *, proof: Proof) -> Membership:
    """The membership, if one who has proven so much may work in it now; raises APIError."""
    if member is None:
        raise APIError(session_errors.NO_MEMBERSHIP)
    if member.organization.suspended_at is not None:
        raise APIError(session_errors.ORGANIZATION_SUSPENDED)
    if unmet := policies.unmet(policies.of(member.organization), member.role, proof):
        raise APIError(unmet)
    return member


def open_session(
    *,
    user: User,
    membership: Membership,
    kind: GrantKind,
    proof: Proof,
    browser: BrowserSession | None = None,
    user_agent: str,
    address: str | None,
) -> Tokens:
    """Open a family for a person who has just proven what ``proof`` says.

    Raises APIError(invalid_credentials) where the password, person or membership ended meanwhile.
    """
    try:
        tokens = engine.open_for_member(
            membership=membership,
            kind=kind,
            proof=proof,
            browser=browser,
            verified_password=user.password,
            user_agent=devices.kept(user_agent),
            address=address,
        )
    except InvalidGrant:
        raise APIError(session_errors.INVALID_CREDENTIALS) from None
    known_devices.remember_network(user, address)
    last_seen.note(membership.pk)
    for grant_id in capping.beyond(living(user.pk), settings.SESSIONS_PER_PERSON):
        end(user_id=user.pk, grant_id=grant_id, reason=TOO_MANY)
    return tokens


def refresh(raw: str, kinds: Sequence[GrantKind], organization_id: UUID | None = None) -> Tokens:
    """Rotate a refresh token of one of the ``kinds``, and of the organization where one is named.

    Raises APIError: rate_limited for a family refreshed too often, else invalid_refresh_token.
    """
    try:
        if organization_id is not None:
            token = engine.find_refresh_token(raw)
            if token is None or token.grant.organization_id != organization_id:
                raise InvalidGrant
        tokens = engine.rotate(raw, kinds=kinds)
    except RefreshedTooOften as often:
        raise APIError(errors.RATE_LIMITED, retry_after=often.retry_after) from None
    except InvalidGrant:
        raise APIError(session_errors.INVALID_REFRESH_TOKEN) from None
    if tokens.grant.membership_id is not None:
        last_seen.note(tokens.grant.membership_id)
    return tokens


def member_of(grant: Grant) -> Membership:
    """Whose session it is; raises APIError(invalid_refresh_token) where the membership has just ended."""
    found = Membership.objects.filter(grants=grant).select_related("organization", "user").first()
    if found is None:
        raise APIError(session_errors.INVALID_REFRESH_TOKEN)
    return found


def living(user_id: UUID, now: datetime | None = None) -> QuerySet[Grant]:
    """The person's families that still yield tokens, newest first."""
    now = now or timezone.now()
    unused = RefreshToken.objects.filter(grant=OuterRef("pk"), used_at=None, expires_at__gt=now)
    return (
        Grant.objects.filter(Exists(unused), user_id=user_id, revoked_at=None, expires_at__gt=now)
        # Those of a membership that was removed, or of an earlier password, have ended without a stamp.
        .filter(membership__user_id=user_id, membership__organization_id=F("organization_id"))
        .filter(user__password_version=F("password_version"))
        .select_related("organization")
        .order_by("-pk")
    )


def told(found: Iterable[Grant], current: UUID | None = None) -> list[Session]:
    """The families with when and where they were last used; one question for each organization."""
    families = list(found)
    by_organization: dict[UUID, list[UUID]] = defaultdict(list)
    for grant in families:
        by_organization[grant.organization_id].append(grant.pk)
    used: dict[UUID, Usage] = {}
    for bucket, subjects in by_organization.items():
        used |= reports.totals(bucket, subjects)
    return [_session(grant, used[grant.pk], current) for grant in families]


@transaction.atomic
def end(*, user_id: UUID, grant_id: UUID, reason: str = ENDED) -> bool:
    """End one of the person's families; False where it is not theirs. A second call changes nothing."""
    mine = Grant.objects.filter(pk=grant_id, user_id=user_id)
    grant = mine.select_related("user").first()
    if grant is None or grant.user is None:
        return False
    if engine.revoke(mine, reason=reason):
        sessions.ended(grant, Actor.of_user(grant.user), reason)
    return True


@transaction.atomic
@log.batched()
def end_all(*, user_id: UUID, but: UUID | None = None, reason: str = ENDED) -> int:
    """End every family of the person, in whichever organization, but one; returns how many."""
    mine = Grant.objects.filter(user_id=user_id)
    mine = mine.exclude(pk=but) if but else mine
    organizations = set(mine.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations)
    user = User.objects.filter(pk=user_id).first()
    total = 0
    for organization_id in sorted(organizations):
        ended = engine.revoke(mine.filter(organization_id=organization_id), reason=reason)
        if ended and user is not None:
            sessions.all_ended(organization_id, user, ended, reason)
        total += ended
    return total


def _session(grant: Grant, used: Usage, current: UUID | None) -> Session:
    return Session(
        grant=grant,
        device=devices.summary(grant.user_agent),
        last_seen_at=used.last_used_at or grant.created_at,
        last_seen_ip=used.last_used_ip or grant.address,
        current=grant.pk == current,
    )


def _naming(organization: str) -> dict[str, object]:
    try:
        return {"organization_id": typeid.decode("org", organization)}
    except ValueError:
        return {"organization__slug": organization}
