"""The authenticated credential, and authentication of service-account tokens in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts import errors
from accounts.errors import APIError, ErrorCode
from accounts.permissions.actor import Actor, HoldsScopes
from accounts.permissions.scopes import ScopeSet
from ratelimit.types import FixedWindow, LimitRequest
from tokens.credentials import forward_auth_paths
from tokens.crypto import opaque, signing_keys
from tokens.grants import status
from tokens.grants.status import GrantStatus
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.prepared_query import PreparedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential(Actor):
    """The caller, its scopes and its charge: ``request.credential`` and ``request.auth``.

    ``limit_request`` is None for internal services only; ``plan`` is None if it equals ``limit_request``.
    ``grant_id`` is the grant of an access token, ``kid`` the key that signed it. ``generation`` is the
    organization's, read in the same query.
    """

    auth_kind: str
    limit_request: LimitRequest | None
    plan: LimitRequest | None = None
    expires_at: datetime | None = None
    # When the presented secret expires, if that may be before the credential does.
    secret_valid_until: datetime | None = None
    user_email: str = ""
    grant_id: UUID | None = None
    generation: int = 0
    kid: str = ""

    def has_ended(self, now: datetime) -> bool:
        """Return whether it has expired, its secret was rotated, or its signing key is no longer trusted."""
        if self.kid and signing_keys.verifying(self.kid, now.timestamp()) is None:
            return True
        return any(end is not None and end <= now for end in (self.expires_at, self.secret_valid_until))

    def limit_request_for(self, path: str) -> LimitRequest | None:
        """Return the charge of a request. Forward authentication charges sessions to the plan as well."""
        return self.plan if self.plan and path in forward_auth_paths.PATHS else self.limit_request

    def scopes_now(self, member: HoldsScopes) -> ScopeSet:
        """Return the current scopes, under the lock. A program has its own scopes, not its member's.

        Raises APIError(token_revoked).
        """
        if self.grant_id is not None:
            row = status.load(self.grant_id)
            if row is None or status.evaluate(row, timezone.now()) is not GrantStatus.ACTIVE:
                raise APIError(errors.TOKEN_REVOKED)
            return status.scopes_of(row, self.scopes.texts)
        if self.type == "service_account":
            running = ServiceAccountToken.objects.filter(pk__in=[self.id], revoked_at=None)
            if not running.exists():
                raise APIError(errors.TOKEN_REVOKED)
        return Actor.scopes_now(self, member)


@dataclass(frozen=True, slots=True)
class RefusedSecret:
    """Why an existing secret is refused, with its subject and organization, which count the refused use."""

    error: ErrorCode
    bucket: UUID
    subject: UUID


class _Row(NamedTuple):
    """The columns of the query, in order."""

    token_id: UUID
    name: str
    permissions: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    secret_valid_until: datetime | None
    organization_id: UUID
    organization_name: str
    generation: int
    suspended_at: datetime | None
    deleted_at: datetime | None
    own_daily_limit: int | None
    plan_daily_limit: int | None
    burst_per_minute: int | None
    member_id: UUID | None
    member_organization_id: UUID | None
    member_user_id: UUID | None
    member_is_active: bool | None


_COLUMNS = (
    "token_id",
    "token__name",
    "token__permissions",
    "token__expires_at",
    "token__revoked_at",
    "valid_until",
    "token__organization_id",
    "token__organization__name",
    "token__organization__generation",
    "token__organization__suspended_at",
    "token__organization__deleted_at",
    "token__organization__requests_per_day",
    "token__organization__plan__requests_per_day",
    "token__organization__plan__burst_per_minute",
    "token__responsible_id",
    # Columns of the join are NULL once the membership was deleted, by any route.
    "token__responsible__organization_id",
    "token__responsible__user_id",
    "token__responsible__user__is_active",
)
_QUERY = PreparedQuery(TokenSecret, "digest", _COLUMNS)


def authenticate_token(raw: str, now: datetime | None = None) -> Credential | ErrorCode:
    """Authenticate a string in the form of a service-account token: one query by its digest."""
    found = read_token(raw, now)
    return found.error if isinstance(found, RefusedSecret) else found


def read_token(raw: str, now: datetime | None = None) -> Credential | RefusedSecret | ErrorCode:
    """Authenticate as ``authenticate_token`` does, and return whose secret was refused."""
    found = _QUERY.fetch_one(opaque.digest(raw))
    if found is None:
        return errors.INVALID_TOKEN
    row = _Row(*found)
    error = _error(row, now or timezone.now())
    return RefusedSecret(error, row.organization_id, row.token_id) if error else _credential(row)


def _error(row: _Row, now: datetime) -> ErrorCode | None:
    if (
        row.revoked_at is not None
        or row.deleted_at is not None
        or row.member_organization_id != row.organization_id
        or not row.member_is_active
    ):
        return errors.TOKEN_REVOKED
    ends = [end for end in (row.expires_at, row.secret_valid_until) if end is not None]
    if ends and min(ends) <= now:
        return errors.TOKEN_EXPIRED
    if row.suspended_at is not None:
        return errors.ORGANIZATION_SUSPENDED
    return None


def _credential(row: _Row) -> Credential:
    return Credential(
        type="service_account",
        auth_kind="api-token",
        id=row.token_id,
        name=row.name,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        membership_id=row.member_id,
        user_id=row.member_user_id,
        scopes=ScopeSet.of(row.permissions),
        expires_at=row.expires_at,
        secret_valid_until=row.secret_valid_until,
        generation=row.generation,
        limit_request=plan_limit_request(
            row.organization_id, row.token_id, row.own_daily_limit, row.plan_daily_limit, row.burst_per_minute
        ),
    )


def plan_limit_request(
    organization_id: UUID,
    subject: UUID,
    own_daily_limit: int | None,
    plan_daily_limit: int | None,
    burst_per_minute: int | None,
) -> LimitRequest:
    """Return the charge of the organization's daily quota and of the plan's burst limit, if it has one."""
    burst = (
        FixedWindow("burst", f"burst:{organization_id.hex}", burst_per_minute) if burst_per_minute else None
    )
    return LimitRequest(
        bucket=organization_id,
        subject=subject,
        daily_limit=plan_daily_limit if own_daily_limit is None else own_daily_limit,
        window=burst,
    )
