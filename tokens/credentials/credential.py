"""The authenticated credential, and a refused one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts import errors
from accounts.drf.fields import instant
from accounts.errors import APIError, ErrorCode
from accounts.permissions.actor import Actor, HoldsScopes
from accounts.permissions.scopes import ScopeSet
from accounts.validation import networks
from ratelimit.types import FixedWindow, LimitRequest, SubjectLimit
from tokens.credentials import forward_auth_paths
from tokens.crypto import signing_keys
from tokens.grants import status
from tokens.grants.status import GrantStatus
from tokens.models import TokenSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential(Actor):
    """The caller, its scopes and its charge: ``request.credential`` and ``request.auth``.

    ``limit_request`` is None for internal services only; ``plan`` is None if it equals ``limit_request``.
    ``grant_id`` is the grant of an access token, ``kid`` the key that signed it. ``generation`` is the
    organization's, read in the same query. The caller's address must be in each of ``allowed_addresses``.
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
    # The presented secret of a token, and whether its first use ends the overlap of its rotation.
    secret_id: int | None = None
    awaits_first_use: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    organization_metadata: Mapping[str, str] = field(default_factory=dict)
    allowed_addresses: tuple[tuple[str, ...], ...] = ()

    @property
    def ends_at(self) -> datetime | None:
        """The end of the presented secret: its credential's expiry or the end of a rotation's overlap."""
        ends = [end for end in (self.expires_at, self.secret_valid_until) if end is not None]
        return min(ends, default=None)

    def allows_address(self, address: str | None) -> bool:
        return all(networks.contain(texts, address) for texts in self.allowed_addresses)

    def has_ended(self, now: datetime) -> bool:
        """Return whether it has expired, its secret was rotated, or its signing key is no longer trusted."""
        if self.kid and signing_keys.verifying(self.kid, now.timestamp()) is None:
            return True
        return self.ends_at is not None and self.ends_at <= now

    def limit_request_for(self, path: str) -> LimitRequest | None:
        """Return the charge of a request. Forward authentication charges sessions to the plan as well."""
        return self.plan if self.plan and path in forward_auth_paths.PATHS else self.limit_request

    def scopes_now(self, member: HoldsScopes) -> ScopeSet:
        """Return the current scopes, under the lock: those of the token, of the client, or of the member.

        Raises APIError: token_revoked, token_paused.
        """
        if self.grant_id is not None:
            row = status.load(self.grant_id)
            if row is None or status.evaluate(row, timezone.now()) is not GrantStatus.ACTIVE:
                raise APIError(errors.TOKEN_REVOKED)
            return status.scopes_of(row, self.scopes.texts)
        if self.type == "service_account":
            now = timezone.now()
            # A secret whose overlap has ended meanwhile must not obtain another one.
            valid = TokenSecret.objects.valid(now).filter(pk__in=[self.secret_id], token__revoked_at=None)
            secret = valid.select_related("token").first()
            if secret is None:
                raise APIError(errors.TOKEN_REVOKED)
            if secret.token.is_paused(now):
                raise APIError(errors.TOKEN_PAUSED, paused_until=instant(secret.token.paused_until))
            return secret.token.scopes
        return Actor.scopes_now(self, member)


@dataclass(frozen=True, slots=True)
class RefusedSecret:
    """Why an existing secret is refused, with its subject and organization, which count the refused use.

    ``cause`` separates the counts of what the owner asks about: a pause, a superseded secret, addresses that
    are not allowed. ``extra`` are further members of the error's body. ``secret_id`` is a token's secret.
    """

    error: ErrorCode
    bucket: UUID
    subject: UUID
    cause: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    secret_id: int | None = None


def restrictions(*lists: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the ``allowed_addresses`` of a Credential: an empty list allows every address."""
    return tuple(tuple(texts) for texts in lists if texts)


def plan_limit_request(
    organization_id: UUID,
    subject: UUID,
    own_requests_per_day: int | None,
    plan_requests_per_day: int | None,
    burst_per_minute: int | None,
    subject_requests_per_day: int | None = None,
    key: int | None = None,
) -> LimitRequest:
    """Return the charge of the organization's daily limit, the subject's own, and the plan's burst limit.

    The last two are optional; ``key`` is the secret that calls are counted for.
    """
    burst = (
        FixedWindow("burst", f"burst:{organization_id.hex}", burst_per_minute) if burst_per_minute else None
    )
    own = None if subject_requests_per_day is None else SubjectLimit("token", subject_requests_per_day)
    return LimitRequest(
        bucket=organization_id,
        subject=subject,
        requests_per_day=plan_requests_per_day if own_requests_per_day is None else own_requests_per_day,
        window=burst,
        subject_limit=own,
        key=key,
    )
