"""A token with its usage and status, as the API and the pages show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.models import ServiceAccountToken, Status, TokenSecret
from tokens.models.created import Parent, program_of
from tokens.models.service_account import DEACTIVATED, REMOVED
from tokens.notifications import token_unused
from tokens.service_accounts import rotation, secret_usage
from tokens.service_accounts.rotation import Rotation
from tokens.service_accounts.secret_usage import SecretUsage

# The statuses that only pages show, and what records have instead.
OF_RECORD = {Status.EXPIRING: Status.ACTIVE, Status.LEAKED: Status.REVOKED}


@dataclass(frozen=True, slots=True)
class Record:
    """``status`` is never EXPIRING, which is ACTIVE, nor LEAKED, which is REVOKED."""

    token: ServiceAccountToken
    usage: Usage
    status: Status
    secrets: list[SecretUsage]
    rotation: Rotation | None
    unused_revocation_at: datetime | None
    known_secret: TokenSecret | None

    @property
    def responsible(self) -> Membership | None:
        """The responsible member, or None if that membership has ended."""
        member = self.token.responsible
        return member if member and member.organization_id == self.token.organization_id else None

    @property
    def parent(self) -> Parent | None:
        return program_of(self.token.parent, self.token.parent_client)

    @property
    def paused(self) -> ServiceAccountToken | None:
        """The token if it is paused, else None: an ended pause stays in its columns for the report."""
        return self.token if self.status is Status.PAUSED else None

    @property
    def paused_reason(self) -> str | None:
        return (self.paused and self.paused.paused_reason) or None

    @property
    def revoked_reason(self) -> str | None:
        """The reason of the revocation, also for a membership deleted in SQL, where none was stored."""
        if self.token.revoked_at is not None or self.status is not Status.REVOKED:
            return self.token.revoked_reason or None
        return DEACTIVATED if self.responsible else REMOVED


def records(
    organization_id: UUID, tokens: Iterable[ServiceAccountToken], now: datetime | None = None
) -> list[Record]:
    """Return the records of one organization's tokens, read ``with_people``, and read their usage."""
    found = list(tokens)
    now = now or timezone.now()
    used = reports.totals(organization_id, [token.pk for token in found])
    secrets = secret_usage.by_token(organization_id, found, used)
    nothing = Usage(calls=0, last_used_at=None, last_used_ip=None)
    last_uses = {token: used.get(token.pk, nothing).last_used_at for token in found}
    ending = token_unused.revocation_times(organization_id, last_uses, now)
    return [
        Record(
            token,
            used.get(token.pk, nothing),
            _status(token, now),
            secrets=secrets[token.pk],
            rotation=rotation.running(token, now),
            unused_revocation_at=ending.get(token.pk),
            known_secret=token.known_secret(now),
        )
        for token in found
    ]


def _status(token: ServiceAccountToken, now: datetime) -> Status:
    status = token.status(now)
    return OF_RECORD.get(status, status)
