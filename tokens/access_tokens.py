"""What a signed access token proves: the signature first, then where its grant stands now."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from accounts import ids
from accounts.catalogue import role_scopes
from accounts.scopes import ScopeSet
from ratelimit import refusals
from ratelimit.refusals import Refusal
from ratelimit.values import Charge, WindowLimit
from tokens import signed
from tokens.credentials import Credential, plan_charge
from tokens.signed import Claims
from tokens.standing import Row, Standing, judge, row_of

REFUSALS = {
    Standing.ENDED: refusals.TOKEN_REVOKED,
    Standing.EXPIRED: refusals.TOKEN_EXPIRED,
    Standing.SUSPENDED: refusals.ORGANIZATION_SUSPENDED,
}


def for_jwt(raw: str, now: datetime | None = None) -> Credential | Refusal:
    """Verify a string of a JWT's shape: no statement unless the signature is ours, then one."""
    now = now or timezone.now()
    try:
        claims = signed.decode(raw, now.timestamp())
    except signed.ExpiredJWT:
        return refusals.TOKEN_EXPIRED
    except signed.InvalidJWT:
        return refusals.INVALID_TOKEN
    row = row_of(ids.decode("ses", claims.sid))
    if row is None:
        return refusals.TOKEN_REVOKED
    standing = judge(row, now)
    if standing is not Standing.GOOD:
        return REFUSALS[standing]
    return _of_client(row, claims) if row.client_id else _of_member(row, claims)


def _of_member(row: Row, claims: Claims) -> Credential:
    """A person: the role and its rights are read now, not from the token."""
    email = row.user_email or ""
    return Credential(
        type="user",
        auth_kind="session",
        id=row.user_id,
        name=row.user_name or email.partition("@")[0],
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        membership_id=row.membership_id,
        user_id=row.user_id,
        user_email=email,
        role=row.role or "",
        scopes=ScopeSet.of((*role_scopes(row.role or "").texts, *(row.permissions or ()))),
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
        grant_id=row.id,
        charge=Charge(
            bucket=row.organization_id,
            subject=row.id,
            per_day=None,
            charged=False,
            window=WindowLimit("session", f"session:{row.id.hex}", settings.SESSION_REQUESTS_PER_MINUTE),
        ),
    )


def _of_client(row: Row, claims: Claims) -> Credential:
    """A client: what its token was given, as far as the client still may."""
    assert row.client_id is not None
    allowed = ScopeSet.of(row.client_scopes or ())
    return Credential(
        type="client",
        auth_kind="oauth-client",
        id=row.client_id,
        name=row.client_name or "",
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        membership_id=row.client_responsible_id,
        user_id=row.client_responsible_user_id,
        scopes=ScopeSet.of(text for text in claims.scope.split() if allowed.allows(text)),
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
        grant_id=row.id,
        charge=plan_charge(
            row.organization_id, row.client_id, row.own_per_day, row.plan_per_day, row.burst_per_minute
        ),
    )
