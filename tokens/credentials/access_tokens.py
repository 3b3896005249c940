"""Authentication of access tokens: the signature first, then the current status of the grant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import errors, typeid
from accounts.errors import ErrorCode
from accounts.permissions.scopes import ScopeSet
from accounts.proof import Proof
from ratelimit.types import FixedWindow, LimitRequest
from tokens.credentials.credential import Credential, RefusedSecret, plan_limit_request, restrictions
from tokens.crypto import access_jwt
from tokens.crypto.access_jwt import Claims
from tokens.grants import status
from tokens.grants.status import GrantStatus, Row, scopes_of

ERRORS = {
    GrantStatus.ENDED: errors.TOKEN_REVOKED,
    GrantStatus.EXPIRED: errors.TOKEN_EXPIRED,
    GrantStatus.SUSPENDED: errors.ORGANIZATION_SUSPENDED,
}


def authenticate_jwt(raw: str, now: datetime | None = None) -> Credential | RefusedSecret | ErrorCode:
    """Authenticate a string in the form of a JWT."""
    found = verify(raw, now or timezone.now())
    return found[0] if isinstance(found, tuple) else found


def verify(raw: str, now: datetime) -> tuple[Credential, Claims] | RefusedSecret | ErrorCode:
    """Verify signature and claims without a query, and the grant in one query."""
    try:
        claims = access_jwt.decode(raw, now.timestamp())
        grant_id, granted = typeid.decode("ses", claims.sid), ScopeSet.of(claims.scope.split())
    except access_jwt.ExpiredJWT:
        return errors.TOKEN_EXPIRED
    except (access_jwt.InvalidJWT, ValueError):
        return errors.INVALID_TOKEN
    row = status.load(grant_id)
    if row is None:
        return errors.TOKEN_REVOKED
    found_status = status.evaluate(row, now)
    if found_status is not GrantStatus.ACTIVE:
        error = ERRORS[found_status]
        return RefusedSecret(error, row.organization_id, row.client_id) if row.client_id else error
    # A grant may end before the access tokens that it had issued until then.
    expires_at = min(datetime.fromtimestamp(claims.exp, UTC), row.expires_at)
    scopes = scopes_of(row, granted.texts)
    if row.client_id is None:
        found = _of_member(row, scopes, expires_at)
    else:
        found = _of_client(row, row.client_id, scopes, expires_at)
    return replace(found, kid=claims.kid), claims


def _of_member(row: Row, scopes: ScopeSet, expires_at: datetime) -> Credential:
    """Return a person's credential: role and permissions are the current ones, not those of the token."""
    email = row.user_email or ""
    person = row.user_id or row.id
    return Credential(
        type="user",
        auth_kind="session",
        id=row.user_id,
        name=row.user_name or email.partition("@")[0],
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        organization_metadata=row.organization_metadata,
        membership_id=row.membership_id,
        user_id=row.user_id,
        user_email=email,
        role=row.role or "",
        scopes=scopes,
        proof=Proof.of(row.proof),
        expires_at=expires_at,
        grant_id=row.id,
        generation=row.generation,
        limit_request=LimitRequest(
            bucket=row.organization_id,
            subject=row.id,
            requests_per_day=None,
            charged=False,
            window=FixedWindow("session", f"session:{person.hex}", settings.SESSION_REQUESTS_PER_MINUTE),
        ),
        plan=plan_limit_request(
            row.organization_id,
            row.id,
            row.own_requests_per_day,
            row.plan_requests_per_day,
            row.burst_per_minute,
        ),
    )


def _of_client(row: Row, client_id: UUID, scopes: ScopeSet, expires_at: datetime) -> Credential:
    """Return a client's credential: the token's scopes that the client still has."""
    return Credential(
        type="client",
        auth_kind="oauth-client",
        id=client_id,
        name=row.client_name or "",
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        organization_metadata=row.organization_metadata,
        membership_id=row.client_responsible_id,
        user_id=row.client_responsible_user_id,
        scopes=scopes,
        expires_at=expires_at,
        grant_id=row.id,
        generation=row.generation,
        allowed_addresses=restrictions(row.organization_addresses),
        limit_request=plan_limit_request(
            row.organization_id,
            client_id,
            row.own_requests_per_day,
            row.plan_requests_per_day,
            row.burst_per_minute,
        ),
    )
