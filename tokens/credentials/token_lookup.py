"""Authentication of service-account tokens, in one query."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts import errors
from accounts.drf.fields import instant
from accounts.errors import ErrorCode
from accounts.permissions.scopes import ScopeSet
from tokens.credentials.credential import Credential, RefusedSecret, plan_limit_request, restrictions
from tokens.crypto import opaque
from tokens.models import TokenSecret
from tokens.prepared_query import PreparedQuery


class _Row(NamedTuple):
    """The columns of the query, in order."""

    secret_id: int
    secret_valid_until: datetime | None
    secret_revoked_at: datetime | None
    secret_is_counted: bool
    closes_previous_after_seconds: int | None
    first_used_at: datetime | None
    token_id: UUID
    name: str
    permissions: list[str]
    metadata: dict[str, str]
    allowed_addresses: list[str]
    requests_per_day: int | None
    expires_at: datetime | None
    revoked_at: datetime | None
    paused_at: datetime | None
    paused_until: datetime | None
    resumed_at: datetime | None
    organization_id: UUID
    organization_name: str
    organization_metadata: dict[str, str]
    organization_addresses: list[str]
    generation: int
    suspended_at: datetime | None
    deleted_at: datetime | None
    own_requests_per_day: int | None
    plan_requests_per_day: int | None
    burst_per_minute: int | None
    member_id: UUID | None
    member_organization_id: UUID | None
    member_user_id: UUID | None
    member_is_active: bool | None

    @property
    def is_revoked(self) -> bool:
        """Whether the token, its organization, its responsible membership or this secret has ended."""
        return (
            self.revoked_at is not None
            or self.secret_revoked_at is not None
            or self.deleted_at is not None
            or self.member_organization_id != self.organization_id
            or not self.member_is_active
        )

    def is_paused(self, now: datetime) -> bool:
        if self.paused_at is None or self.resumed_at is not None:
            return False
        return self.paused_until is None or now < self.paused_until


_COLUMNS = (
    "id",
    "valid_until",
    "revoked_at",
    "is_counted",
    "closes_previous_after_seconds",
    "first_used_at",
    "token_id",
    "token__name",
    "token__permissions",
    "token__metadata",
    "token__allowed_addresses",
    "token__requests_per_day",
    "token__expires_at",
    "token__revoked_at",
    "token__paused_at",
    "token__paused_until",
    "token__resumed_at",
    "token__organization_id",
    "token__organization__name",
    "token__organization__metadata",
    "token__organization__allowed_addresses",
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
    return _refusal(row, now or timezone.now()) or _credential(row)


def _refusal(row: _Row, now: datetime) -> RefusedSecret | None:
    def refused(error: ErrorCode, cause: str = "", **extra: Any) -> RefusedSecret:
        return RefusedSecret(error, row.organization_id, row.token_id, cause, extra, row.secret_id)

    if row.is_revoked:
        return refused(errors.TOKEN_REVOKED)
    if row.expires_at is not None and row.expires_at <= now:
        return refused(errors.TOKEN_EXPIRED)
    if row.secret_valid_until is not None and row.secret_valid_until <= now:
        return refused(errors.TOKEN_ROTATED, cause_of_secret(row.secret_id))
    if row.suspended_at is not None:
        return refused(errors.ORGANIZATION_SUSPENDED)
    if row.paused_at is not None and row.is_paused(now):
        cause = cause_of_pause(row.paused_at)
        return refused(errors.TOKEN_PAUSED, cause, paused_until=instant(row.paused_until))
    return None


def cause_of_secret(secret_id: int) -> str:
    """Return the cause under which uses of a superseded secret are counted."""
    return f"rotated:{secret_id}"


def cause_of_pause(paused_at: datetime) -> str:
    """Return the cause under which calls during the pause that began then are counted."""
    return f"paused:{int(paused_at.timestamp() * 1000)}"


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
        secret_id=row.secret_id,
        awaits_first_use=row.closes_previous_after_seconds is not None and row.first_used_at is None,
        metadata=row.metadata,
        organization_metadata=row.organization_metadata,
        allowed_addresses=restrictions(row.allowed_addresses, row.organization_addresses),
        limit_request=plan_limit_request(
            row.organization_id,
            row.token_id,
            row.own_requests_per_day,
            row.plan_requests_per_day,
            row.burst_per_minute,
            row.requests_per_day,
            row.secret_id if row.secret_is_counted else None,
        ),
    )
