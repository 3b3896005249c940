"""A token with everything that is told about it: its row, the people on it, and what it was used for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from ratelimit.usage import reports as usage
from ratelimit.usage.reports import Usage
from tokens.models import ServiceAccountToken, Status
from tokens.models.created import Parent, program_of
from tokens.models.service_account import DEACTIVATED, REMOVED


@dataclass(frozen=True, slots=True)
class Record:
    """``status`` knows no expiring one: that is an active token whose end is near."""

    token: ServiceAccountToken
    usage: Usage
    status: Status

    @property
    def responsible(self) -> Membership | None:
        """Who answers for it; None once that membership has ended."""
        member = self.token.responsible
        return member if member and member.organization_id == self.token.organization_id else None

    @property
    def parent(self) -> Parent | None:
        return program_of(self.token.parent, self.token.parent_client)

    @property
    def revoked_reason(self) -> str | None:
        """Why; a membership that ended behind the product's back has left no word, but is one."""
        if self.token.revoked_at is not None or self.status is not Status.REVOKED:
            return self.token.revoked_reason or None
        return DEACTIVATED if self.responsible else REMOVED


def records(
    organization_id: UUID, tokens: Iterable[ServiceAccountToken], now: datetime | None = None
) -> list[Record]:
    """Records of one organization's tokens, read ``with_people``; one more question for their usage."""
    found = list(tokens)
    now = now or timezone.now()
    used = usage.totals(organization_id, [token.pk for token in found])
    nothing = Usage(calls=0, last_used_at=None, last_used_ip=None)
    return [Record(token, used.get(token.pk, nothing), _status(token, now)) for token in found]


def _status(token: ServiceAccountToken, now: datetime) -> Status:
    status = token.status(now)
    return Status.ACTIVE if status is Status.EXPIRING else status
