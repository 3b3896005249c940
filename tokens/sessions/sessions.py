"""Opening, refreshing, listing and ending of people's API sessions."""

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
from tokens.audit import session_events
from tokens.grants import capping, opening, refresh_tokens, revocation, rotation
from tokens.grants.errors import InvalidGrant, RefreshedTooOften
from tokens.grants.token_pair import TokenPair
from tokens.models import Grant, GrantKind, RefreshToken
from tokens.sessions import session_errors
from tokens.user_agent import printable, summary

SIGNED_OUT = "Signed out"
ENDED = "Ended by its owner"
TOO_MANY = "Unused for longest of too many sessions"


@dataclass(frozen=True, slots=True)
class Session:
    """A grant of a person as its owner sees it."""

    grant: Grant
    device: str
    last_seen_at: datetime
    last_seen_ip: str | None
    current: bool


def membership_of(user: User, organization: str | None, *, proof: Proof) -> Membership:
    """Return the membership to sign in to: of that organization's id or slug, else the person's oldest one.

    Raises APIError: no_membership, also for an organization that does not exist; organization_suspended;
    sso_required, mfa_required.
    """
    mine = Membership.objects.of(user).select_related("organization", "user")
    if organization is not None:
        mine = mine.filter(**_naming(organization))
    return check_membership(mine.first(), proof=proof)


def check_membership(member: Membership | None, *, proof: Proof) -> Membership:
    """Return the membership if ``proof`` meets its organization's policy and it is active.

    Raises APIError: no_membership, organization_suspended, sso_required, mfa_required.
    """
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
) -> TokenPair:
    """Open a grant for a person who has just given ``proof``.

    Raises APIError(invalid_credentials) if the password was changed, or person or membership ended,
    meanwhile.
    """
    try:
        tokens = opening.open_for_member(
            membership=membership,
            kind=kind,
            proof=proof,
            browser=browser,
            verified_password=user.password,
            user_agent=printable(user_agent),
            address=address,
        )
    except InvalidGrant:
        raise APIError(session_errors.INVALID_CREDENTIALS) from None
    known_devices.remember_network(user, address)
    last_seen.note(membership.pk)
    for grant_id in capping.beyond(active(user.pk), settings.SESSIONS_PER_PERSON):
        end(user_id=user.pk, grant_id=grant_id, reason=TOO_MANY)
    return tokens


def refresh(raw: str, kinds: Sequence[GrantKind], organization_id: UUID | None = None) -> TokenPair:
    """Rotate a refresh token of one of the ``kinds``, and of the organization if one is given.

    Raises APIError: rate_limited for a grant refreshed too often, else invalid_refresh_token.
    """
    try:
        if organization_id is not None:
            token = refresh_tokens.find(raw)
            if token is None or token.grant.organization_id != organization_id:
                raise InvalidGrant
        tokens = rotation.rotate(raw, kinds=kinds)
    except RefreshedTooOften as often:
        raise APIError(errors.RATE_LIMITED, retry_after=often.retry_after) from None
    except InvalidGrant:
        raise APIError(session_errors.INVALID_REFRESH_TOKEN) from None
    if tokens.grant.membership_id is not None:
        last_seen.note(tokens.grant.membership_id)
    return tokens


def member_of(grant: Grant) -> Membership:
    """Return the member of a grant. Raises APIError(invalid_refresh_token) if the membership has ended."""
    found = Membership.objects.filter(grants=grant).select_related("organization", "user").first()
    if found is None:
        raise APIError(session_errors.INVALID_REFRESH_TOKEN)
    return found


def active(user_id: UUID, now: datetime | None = None) -> QuerySet[Grant]:
    """Return the person's grants that can still be refreshed, newest first."""
    now = now or timezone.now()
    unused = RefreshToken.objects.filter(grant=OuterRef("pk"), used_at=None, expires_at__gt=now)
    return (
        Grant.objects.filter(Exists(unused), user_id=user_id, revoked_at=None, expires_at__gt=now)
        # Grants of a removed membership or an earlier password have ended, but revoked_at is not set.
        .filter(membership__user_id=user_id, membership__organization_id=F("organization_id"))
        .filter(user__password_version=F("password_version"))
        .select_related("organization")
        .order_by("-pk")
    )


def with_last_use(found: Iterable[Grant], current: UUID | None = None) -> list[Session]:
    """Return the grants with time and address of their last use: one round trip for each organization."""
    grants = list(found)
    by_organization: dict[UUID, list[UUID]] = defaultdict(list)
    for grant in grants:
        by_organization[grant.organization_id].append(grant.pk)
    used: dict[UUID, Usage] = {}
    for bucket, subjects in by_organization.items():
        used |= reports.totals(bucket, subjects)
    return [_session(grant, used[grant.pk], current) for grant in grants]


@transaction.atomic
def end(*, user_id: UUID, grant_id: UUID, reason: str = ENDED) -> bool:
    """Revoke one of the person's grants. Returns False if it is not theirs. A second call changes nothing."""
    mine = Grant.objects.filter(pk=grant_id, user_id=user_id)
    grant = mine.select_related("user").first()
    if grant is None or grant.user is None:
        return False
    if revocation.revoke(mine, reason=reason):
        session_events.ended(grant, Actor.of_user(grant.user), reason)
    return True


@transaction.atomic
@log.batched()
def end_all(*, user_id: UUID, but: UUID | None = None, reason: str = ENDED) -> int:
    """Revoke the person's grants in every organization, except ``but``. Returns their number."""
    mine = Grant.objects.filter(user_id=user_id)
    mine = mine.exclude(pk=but) if but else mine
    organizations = set(mine.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations)
    user = User.objects.filter(pk=user_id).first()
    total = 0
    for organization_id in sorted(organizations):
        ended = revocation.revoke(mine.filter(organization_id=organization_id), reason=reason)
        if ended and user is not None:
            session_events.all_ended(organization_id, user, ended, reason)
        total += ended
    return total


def _session(grant: Grant, used: Usage, current: UUID | None) -> Session:
    return Session(
        grant=grant,
        device=summary(grant.user_agent),
        last_seen_at=used.last_used_at or grant.created_at,
        last_seen_ip=used.last_used_ip or grant.address,
        current=grant.pk == current,
    )


def _naming(organization: str) -> dict[str, object]:
    try:
        return {"organization_id": typeid.decode("org", organization)}
    except ValueError:
        return {"organization__slug": organization}
