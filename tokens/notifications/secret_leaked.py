"""Notices of secrets found in public: to the owners, and to the token's responsible member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.models.organization import LeakedTokens
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.notifications import leak_emails


class Outcome(StrEnum):
    """What happened to a secret that was found in public."""

    REVOKED = "revoked"
    NOTIFIED = "notified"
    ROTATED = "rotated"  # It had been replaced before: it is refused, and no other secret ended.
    ENDED = "ended"  # Its token had been revoked or had expired before.

    @classmethod
    def of_policy(cls, organization: Organization) -> Outcome:
        """Return the outcome of a secret that is still valid."""
        return cls.NOTIFIED if organization.leaked_tokens == LeakedTokens.NOTIFY else cls.REVOKED

    @property
    def is_news(self) -> bool:
        """Whether the present secret was found."""
        return self in (Outcome.REVOKED, Outcome.NOTIFIED)


@dataclass(frozen=True, slots=True)
class Finding:
    """The facts of a notice: where the secret was found, how it begins and ends."""

    outcome: Outcome
    source: str
    host: str
    prefix: str
    last_four: str

    def changes(self, organization: Organization) -> dict[str, Any]:
        """Return the changes of the audit event."""
        found = {"source": self.source, "host": self.host, "lastFour": self.last_four}
        return found | {"policy": str(organization.leaked_tokens), "outcome": str(self.outcome)}


def enqueue(
    organization: Organization, subject: UUID, secret_id: int, finding: Finding, now: datetime
) -> bool:
    """Store the notice under the organization's lock. Returns False for a repeated report of the secret."""
    mark = f"{secret_id} {finding.outcome}"
    if Notice.objects.filter(kind=NoticeKind.TOKEN_LEAKED, subject=subject, mark=mark).exists():
        return False
    notice = Notice(
        organization=organization,
        kind=NoticeKind.TOKEN_LEAKED,
        subject=subject,
        mark=mark,
        facts=asdict(finding),
        created_at=now,
        claimed_until=now,
    )
    notices.enqueue([notice])
    return True


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose one email for each secret."""
    subjects = {one.subject for one in pending}
    tokens = ServiceAccountToken.objects.select_related("responsible__user").in_bulk(subjects)
    clients = OAuthClient.objects.in_bulk(subjects - tokens.keys())
    owners = notices.receivers(organization.pk, Role.OWNER)
    for one in pending:
        if token := tokens.get(one.subject):
            email = leak_emails.token_found(organization, token, one.facts, one.created_at)
            yield Mailing(email, _with_responsible(owners, token))
        elif client := clients.get(one.subject):
            yield Mailing(leak_emails.client_found(organization, client, one.facts, one.created_at), owners)


def _with_responsible(owners: Sequence[str], token: ServiceAccountToken) -> list[str]:
    responsible = [] if token.is_orphaned or token.responsible is None else [token.responsible.user.email]
    return list(dict.fromkeys([*owners, *responsible]))
