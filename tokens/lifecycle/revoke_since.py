"""Everything that was made or changed since a moment, and its end: what a restored backup calls for.

A backup knows nothing of what was taken away after it was made: that works again once it is restored. What
was taken away stands in the audit log, of which copies may have outlived the database (exports).
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
from tokens.grants import engine as grants
from tokens.models import ClientSecret, Grant, RefreshToken, ServiceAccountToken, TokenSecret
from tokens.service_accounts.revoke import stop

REASON = "Made or changed since the moment that the installation was put back to"
# A sign-in changes nothing about what somebody has; a token that was transferred works as before.
PASSED_OVER = frozenset(("user.signed_in", "user.sign_in_failed", "index.created", "index.changed"))
PASSWORDS = frozenset(("user.password_changed", "user.password_reset"))


class Event(NamedTuple):
    """What the audit log says was acted on, as the database or an export tells it."""

    at: datetime
    action: str
    target_type: str
    target_id: str
    target_name: str


@dataclass
class Touched:
    """Ids by the target's type, and the people whose old password is back."""

    by_type: dict[str, set[UUID]] = field(default_factory=dict)
    passwords: set[UUID] = field(default_factory=set)
    whole: set[UUID] = field(default_factory=set)

    def of(self, target_type: str) -> set[UUID]:
        return self.by_type.get(target_type, set())


@dataclass
class Ended:
    """How many of each kind."""

    tokens: int = 0
    client_secrets: int = 0
    grants: int = 0
    invitations: int = 0
    browser_sessions: int = 0
    mailed_links: int = 0
    passwords: int = 0


def recorded(since: datetime) -> Iterator[Event]:
    """From the database's own audit log."""
    found = AuditEvent.objects.filter(at__gte=since).order_by("organization_id", "sequence")
    for row in found.values_list("at", "action", "target_type", "target_id", "target_name").iterator():
        yield Event(*row)


def touched(events: Iterable[Event]) -> Touched:
    found = Touched()
    for event in events:
        target = _uuid(event.target_id)
        if target is None or event.action in PASSED_OVER:
            continue
        if event.action == "organization.revoked_all":
            found.whole.add(target)
        if event.action in PASSWORDS:
            found.passwords.add(target)
        found.by_type.setdefault(event.target_type, set()).add(target)
    return found


class Since:
    """What ends: made at ``since`` or later, or touched. ``everything`` is what there is, whenever made."""

    def __init__(self, since: datetime, found: Touched, *, everything: bool = False) -> None:
        self.since, self.found, self.everything = since, found, everything

    def _rows(self, manager: Any, chosen: Q) -> QuerySet[Any]:
        rows: QuerySet[Any] = manager.all()
        if not self.everything:
            rows = rows.filter(chosen | Q(organization__in=self.found.whole))
        return rows

    def tokens(self) -> QuerySet[ServiceAccountToken]:
        rotated = TokenSecret.objects.filter(created_at__gte=self.since)
        made = Q(created_at__gte=self.since) | Q(pk__in=rotated.values("token"))
        named = Q(pk__in=self.found.of("token")) | Q(responsible_id__in=self.found.of("member"))
        return self._rows(ServiceAccountToken.objects, made | named).filter(revoked_at=None)

    def client_secrets(self) -> QuerySet[ClientSecret]:
        made = Q(created_at__gte=self.since) | Q(client__in=self.found.of("client"))
        if self.everything:
            return ClientSecret.objects.all()
        return ClientSecret.objects.filter(made | Q(client__organization__in=self.found.whole))

    def grants(self) -> QuerySet[Grant]:
        found = self.found
        made = Q(created_at__gte=self.since) | Q(client__in=self.client_secrets().values("client"))
        named = Q(pk__in=found.of("session")) | Q(client_id__in=found.of("client"))
        people = Q(membership_id__in=found.of("member")) | Q(user_id__in=found.of("user"))
        spent = Q(pk__in=RefreshToken.objects.filter(created_at__gte=self.since).values("grant"))
        return self._rows(Grant.objects, made | named | people | spent).filter(revoked_at=None)

    def invitations(self) -> QuerySet[Invitation]:
        named = Q(pk__in=self.found.of("invitation")) | Q(inviter_id__in=self.found.of("member"))
        # A resent invitation has a new link and a new end.
        resent = Q(expires_at__gte=self.since + timedelta(days=invitations.DAYS))
        made = Q(created_at__gte=self.since) | resent
        return self._rows(Invitation.objects.open(), made | named)

    def browser_sessions(self) -> QuerySet[UserSession]:
        named = Q(created_at__gte=self.since) | Q(user__in=self.found.of("user"))
        found: QuerySet[UserSession] = UserSession.objects.all()
        if not self.everything:
            found = found.filter(named)
        return found

    def people(self) -> QuerySet[User]:
        """Whose mailed links end."""
        return User.objects.all() if self.everything else User.objects.filter(pk__in=self.found.of("user"))

    def organizations(self) -> set[UUID]:
        """Everyone who loses something, in whose audit log that belongs."""
        owned = (self.tokens(), self.grants(), self.invitations())
        found = {pk for rows in owned for pk in rows.values_list("organization_id", flat=True)}
        return found | set(self.client_secrets().values_list("client__organization_id", flat=True))

    def counted(self) -> Ended:
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
def end_in(organization_id: UUID, chosen: Since) -> None:
    """End what ``chosen`` names of one organization; a repetition tells every worker again."""
    Organization.objects.lock_all([organization_id])
    inside = Q(organization_id=organization_id)
    secrets = chosen.client_secrets().filter(client__organization_id=organization_id)
    ending = list(secrets.values_list("pk", flat=True))
    numbers = {
        "grants": grants.revoke(
            Grant.objects.filter(pk__in=_pks(chosen.grants().filter(inside))), reason=REASON
        ),
        "clientSecrets": ClientSecret.objects.filter(pk__in=ending).delete()[0],
        "invitations": invitations.withdraw(invitations=chosen.invitations().filter(inside), actor=SYSTEM),
        # Last, because what they created ends with them, and is counted above.
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
def end_of_people(chosen: Since) -> None:
    """Their browsers' sessions, their mailed links, and passwords that are old ones again."""
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
