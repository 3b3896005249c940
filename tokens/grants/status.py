"""The status of a grant: everything that can end it, read in one query."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from accounts.authorization import policies
from accounts.authorization.policies import SignInPolicy
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.scopes import ScopeSet
from accounts.proof import Proof
from tokens.models import Grant
from tokens.prepared_query import PreparedQuery


class GrantStatus(Enum):
    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    SUSPENDED = "suspended"


class Row(NamedTuple):
    """The columns of the query, in order."""

    id: UUID
    kind: str
    revoked_at: datetime | None
    expires_at: datetime
    password_version: int
    organization_id: UUID
    organization_name: str
    organization_addresses: list[str]
    organization_metadata: dict[str, str]
    generation: int
    suspended_at: datetime | None
    deleted_at: datetime | None
    own_requests_per_day: int | None
    plan_requests_per_day: int | None
    burst_per_minute: int | None
    sso_required: bool
    mfa_required: bool
    sso_provider: str
    sso_tenant: str
    email_domains: list[str]
    proof: list[dict[str, Any]]
    browser_id: int | None
    browser_user_id: UUID | None
    user_id: UUID | None
    user_name: str | None
    user_email: str | None
    user_is_active: bool | None
    user_password_version: int | None
    membership_id: UUID | None
    member_user_id: UUID | None
    member_organization_id: UUID | None
    role: str | None
    permissions: list[str] | None
    client_id: UUID | None
    client_name: str | None
    client_scopes: list[str] | None
    client_deleted_at: datetime | None
    client_responsible_id: UUID | None
    client_responsible_user_id: UUID | None


_COLUMNS = (
    "id",
    "kind",
    "revoked_at",
    "expires_at",
    "password_version",
    "organization_id",
    "organization__name",
    "organization__allowed_addresses",
    "organization__metadata",
    "organization__generation",
    "organization__suspended_at",
    "organization__deleted_at",
    "organization__requests_per_day",
    "organization__plan__requests_per_day",
    "organization__plan__burst_per_minute",
    *(f"organization__{name}" for name in policies.FIELDS),
    "proof",
    "browser_id",
    "browser__user_id",
    "user_id",
    "user__name",
    "user__email",
    "user__is_active",
    "user__password_version",
    "membership_id",
    # Columns of the join are NULL once the membership was deleted, by any route.
    "membership__user_id",
    "membership__organization_id",
    "membership__role",
    "membership__permissions",
    "client_id",
    "client__name",
    "client__scopes",
    "client__deleted_at",
    "client__responsible_id",
    "client__responsible__user_id",
)
_QUERY = PreparedQuery(Grant, "id", _COLUMNS)


def load(grant_id: UUID) -> Row | None:
    found = _QUERY.fetch_one(grant_id)
    return Row(*found) if found else None


def scopes_of(row: Row, granted: Iterable[str]) -> ScopeSet:
    """Return a person's current scopes, or those of ``granted`` that the client still has."""
    if row.client_id is None:
        return ScopeSet.of((*role_scopes(row.role or "").texts, *(row.permissions or ())))
    allowed = ScopeSet.of(row.client_scopes or ())
    return ScopeSet.of(text for text in granted if allowed.allows(text))


def evaluate(row: Row, now: datetime) -> GrantStatus:
    """Return the status at ``now``.

    A grant ends when it is revoked or expires, when its user, membership, client or organization is deleted,
    and when the password is changed. A person's grant also ends with the browser session that it was
    exchanged for, and if its proof does not meet the organization's policy.
    """
    if row.revoked_at is not None or row.deleted_at is not None:
        return GrantStatus.ENDED
    if not (_is_client_active(row) if row.client_id else _is_member_active(row)):
        return GrantStatus.ENDED
    if row.expires_at <= now:
        return GrantStatus.EXPIRED
    return GrantStatus.ACTIVE if row.suspended_at is None else GrantStatus.SUSPENDED


def _is_client_active(row: Row) -> bool:
    return row.client_deleted_at is None


def _is_member_active(row: Row) -> bool:
    return (
        bool(row.user_is_active)
        and row.member_user_id == row.user_id
        and row.member_organization_id == row.organization_id
        and row.user_password_version == row.password_version
        and (row.browser_id is None or row.browser_user_id == row.user_id)
        and policies.unmet(_policy(row), row.role, Proof.of(row.proof)) is None
    )


def _policy(row: Row) -> SignInPolicy:
    return SignInPolicy(*(getattr(row, name) for name in policies.FIELDS))
