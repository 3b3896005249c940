"""Revocation of all credentials created or changed since a given time, after restoring a backup.

A backup lacks the revocations made after it, so revoked credentials work again once it is restored. The
audit log records those revocations, and exports of it may exist outside the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import typeid
from accounts.audit import log
from accounts.audit.log import Target
from accounts.audit.models import AuditEvent
from accounts.authentication import mailed_links
from accounts.members import invitations
from accounts.models import Invitation, Organization, User
from accounts.models.mailed_claim import MailedClaim
from accounts.permissions.actor import SYSTEM
from accounts.registration import password_reset
from tokens.grants import revocation
from tokens.models import ClientSecret, Grant, RefreshToken, ServiceAccountToken, TokenSecret
from tokens.service_accounts.revoke import stop

REASON = "Created or changed after the restored backup was made"
# Events that change no credential.
IGNORED = frozenset(
    ("user.signed_in", "user.sign_in_failed", "token.superseded_used", "index.created", "index.changed")
)
PASSWORDS = frozenset(("user.password_changed", "user.password_reset"))


class Event(NamedTuple):
    """An audit event, from the database or an export."""

    at: datetime
    action: str
    target_type: str
    target_id: str
    target_name: str


@dataclass
class Affected:
    """Ids by type of target.

    ``passwords`` are users whose old password was restored, ``whole`` organizations that revoked everything.
    """

    by_type: dict[str, set[UUID]] = field(default_factory=dict)
    passwords: set[UUID] = field(default_factory=set)
    whole: set[UUID] = field(default_factory=set)

    def of(self, target_type: str) -> set[UUID]:
        return self.by_type.get(target_type, set())


@dataclass
class Ended:
    """Numbers of revoked credentials."""

    tokens: int = 0
    client_secrets: int = 0
    grants: int = 0
    invitations: int = 0
    browser_sessions: int = 0
    mailed_links: int = 0
    passwords: int = 0


def recorded(since: datetime) -> Iterator[Event]:
    """Read the events of the database's audit log."""
    found = AuditEvent.objects.filter(at__gte=since).order_by("organization_id", "sequence")
    for row in found.values_list("at", "action", "target_type", "target_id", "target_name").iterator():
        yield Event(*row)


def affected(events: Iterable[Event]) -> Affected:
    """Collect what the events acted on."""
    found = Affected()
    for event in events:
        target = _uuid(event.target_id)
        if target is None or event.action in IGNORED:
            continue
        if event.action == "organization.revoked_all":
            found.whole.add(target)
        if event.action in PASSWORDS:
            found.passwords.add(target)
        found.by_type.setdefault(event.target_type, set()).add(target)
    return found


class Selection:
    """Credentials created at ``since`` or later, or affected by events; with ``everything``, all of them."""

    def __init__(self, since: datetime, found: Affected, *, everything: bool = False) -> None:
        self.since, self.found, self.everything = since, found, everything

    def _rows(self, manager: Any, chosen: Q) -> QuerySet[Any]:
        rows: QuerySet[Any] = manager.all()
        if not self.everything:
            rows = rows.filter(chosen | Q(organization__in=self.found.whole))
        return rows

    def tokens(self) -> QuerySet[ServiceAccountToken]:
        rotated = TokenSecret.objects.filter(created_at__gte=self.since)
        created = Q(created_at__gte=self.since) | Q(pk__in=rotated.values("token"))
        named = Q(pk__in=self.found.of("token")) | Q(responsible_id__in=self.found.of("member"))
        return self._rows(ServiceAccountToken.objects, created | named).filter(revoked_at=None)

    def client_secrets(self) -> QuerySet[ClientSecret]:
        created = Q(created_at__gte=self.since) | Q(client__in=self.found.of("client"))
        if self.everything:
            return ClientSecret.objects.all()
        return ClientSecret.objects.filter(created | Q(client__organization__in=self.found.whole))

    def grants(self) -> QuerySet[Grant]:
        found = self.found
        created = Q(created_at__gte=self.since) | Q(client__in=self.client_secrets().values("client"))
        named = Q(pk__in=found.of("session")) | Q(client_id__in=found.of("client"))
        people = Q(membership_id__in=found.of("member")) | Q(user_id__in=found.of("user"))
        refreshed = Q(pk__in=RefreshToken.objects.filter(created_at__gte=self.since).values("grant"))
        return self._rows(Grant.objects, created | named | people | refreshed).filter(revoked_at=None)

    def invitations(self) -> QuerySet[Invitation]:
        named = Q(pk__in=self.found.of("invitation")) | Q(inviter_id__in=self.found.of("member"))
        # A resent invitation has a new link and a new expiry.
        resent = Q(expires_at__gte=self.since + timedelta(days=invitations.DAYS))
        created = Q(created_at__gte=self.since) | resent
        return self._rows(Invitation.objects.open(), created | named)

    def browser_sessions(self) -> QuerySet[UserSession]:
        named = Q(created_at__gte=self.since) | Q(user__in=self.found.of("user"))
        found: QuerySet[UserSession] = UserSession.objects.all()
        if not self.everything:
            found = found.filter(named)
        return found

    def people(self) -> QuerySet[User]:
        """Users whose mailed links end."""
        return User.objects.all() if self.everything else User.objects.filter(pk__in=self.found.of("user"))

    def organizations(self) -> set[UUID]:
        """Return the organizations that lose credentials: each gets an audit event."""
        owned = (self.tokens(), self.grants(), self.invitations())
        found = {pk for rows in owned for pk in rows.values_list("organization_id", flat=True)}
        return found | set(self.client_secrets().values_list("client__organization_id", flat=True))

    def counts(self) -> Ended:
        links = MailedClaim.objects.filter(user__in=self.people(), used_at=None)
        return Ended(
            tokens=self.tokens().count(),
            client_secrets=self.client_secrets().count(),
            grants=self.grants().count(),
            invitations=self.invitations().count(),
            browser_sessions=Session.objects.count() if self.everything else self.browser_sessions().count(),
            mailed_links=links.count(),
            passwords=len(self.found.passwords),
        )


@transaction.atomic
@log.batched()
def end_in(organization_id: UUID, chosen: Selection) -> None:
    """Revoke the chosen credentials of one organization. A repeated call invalidates every cache again."""
    Organization.objects.lock_all([organization_id])
    inside = Q(organization_id=organization_id)
    secrets = chosen.client_secrets().filter(client__organization_id=organization_id)
    ending = list(secrets.values_list("pk", flat=True))
    numbers = {
        "grants": revocation.revoke(
            Grant.objects.filter(pk__in=_pks(chosen.grants().filter(inside))), reason=REASON
        ),
        "clientSecrets": ClientSecret.objects.filter(pk__in=ending).delete()[0],
        "invitations": invitations.withdraw(invitations=chosen.invitations().filter(inside), actor=SYSTEM),
        # Last, because what tokens created ends with them and is counted above.
        "tokens": stop(
            ServiceAccountToken.objects.filter(pk__in=_pks(chosen.tokens().filter(inside))),
            actor=SYSTEM,
            reason=REASON,
        ),
    }
    Organization.objects.advance([organization_id])
    organization = Organization.objects.get(pk=organization_id)
    log.record(
        organization_id=organization_id,
        action="organization.revoked_since",
        actor=SYSTEM,
        target=Target("organization", organization.public_id, organization.name),
        changes={"since": None if chosen.everything else chosen.since.isoformat(), **numbers},
    )


@transaction.atomic
def end_of_people(chosen: Selection) -> None:
    """End browser sessions and mailed links, and remove passwords that were restored."""
    for user in User.objects.filter(pk__in=chosen.found.passwords):
        password_reset.set_password(user, None, by=SYSTEM)
    sessions = chosen.browser_sessions()
    if chosen.everything:
        Session.objects.all().delete()
    else:
        Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()
    for user in chosen.people():
        mailed_links.end_all(user)


def _pks(rows: QuerySet[Any]) -> list[UUID]:
    return list(rows.values_list("pk", flat=True))


def _uuid(public_id: str) -> UUID | None:
    try:
        return typeid.decode(public_id.rpartition("_")[0], public_id)
    except ValueError:
        return None
