"""What every page says first: suspension, deletion, a plan that is used up, tokens that end, unsent mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, Subquery
from django.http import HttpRequest

from accounts.authentication.current_organization import CurrentOrganization
from accounts.authorization.acts import MANAGE as MANAGE_MEMBERS
from accounts.members import invitation_delivery
from accounts.models import Membership, Organization, User
from accounts.organizations import deletion, update
from accounts.pages import decorators
from ratelimit.usage import reports
from ratelimit.usage.reports import Today
from tokens.models import EXPIRING_DAYS, ServiceAccountToken

SEE_TOKENS = "tokens.view"
SEE_USAGE = "usage.view"
NEAR_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Plan:
    """A limited plan's day, of which at least ``NEAR_PERCENT`` is used."""

    limit: int
    today: Today

    @property
    def is_spent(self) -> bool:
        return self.today.remaining == 0


@dataclass(frozen=True, slots=True)
class Ending:
    """Active tokens that expire soon, and when the first of them does."""

    count: int
    first: datetime
    days: int = EXPIRING_DAYS


@dataclass(frozen=True, slots=True)
class Suspended:
    """``reason`` is what staff wrote for the organization; "" where they wrote nothing."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Deleted:
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Banners:
    """A page shows what is not empty. Another banner is another field here and its sentence in
    ``components/banners.html``.
    """

    suspended: Suspended | None = None
    plan: Plan | None = None
    ending: Ending | None = None
    # Invitations whose mails could not be sent.
    undelivered: int = 0
    deleted: Sequence[Deleted] = ()


NOTHING = Banners()


def banners(request: HttpRequest, found: CurrentOrganization, now: datetime) -> Banners:
    """Read once a request, with a constant number of statements: one for tokens and mails, and one for the
    plan where the store does not know the day; one for a suspension's reason.
    """
    if found.membership is None or found.actor is None:
        return Banners(deleted=_deleted(request.user)) if isinstance(request.user, User) else NOTHING
    if decorators.unmet_policy(found.membership, found.actor):
        return NOTHING
    organization = found.membership.organization
    if organization.suspended_at is not None:
        return Banners(suspended=Suspended(organization.suspended_at, update.suspension_reason(organization)))
    figures = _figures(organization, now)
    return Banners(
        plan=_plan(organization, now) if found.actor.allows(SEE_USAGE) else None,
        ending=figures.ending if found.actor.allows(SEE_TOKENS) else None,
        undelivered=figures.undelivered if found.actor.allows(MANAGE_MEMBERS) else 0,
    )


def _plan(organization: Organization, now: datetime) -> Plan | None:
    limit = organization.daily_limit
    if limit is None:
        return None
    today = reports.today(organization.pk, limit, now=now)
    return Plan(limit, today) if today.used * 100 >= limit * NEAR_PERCENT else None


@dataclass(frozen=True, slots=True)
class _Figures:
    ending: Ending | None
    undelivered: int


def _figures(organization: Organization, now: datetime) -> _Figures:
    """In one statement."""
    mine = {"organization": OuterRef("pk")}
    until = now + timedelta(days=EXPIRING_DAYS)
    active = ServiceAccountToken.objects.filter(**mine, expires_at__lte=until).active(now)
    soon = active.order_by().values("organization")
    unsent = invitation_delivery.undelivered(now).filter(**mine).order_by().values("organization")
    count, first, undelivered = Organization.objects.values_list(
        Subquery(soon.annotate(found=Count("pk")).values("found")),
        Subquery(soon.annotate(found=Min("expires_at")).values("found")),
        Subquery(unsent.annotate(found=Count("pk")).values("found")),
    ).get(pk=organization.pk)
    return _Figures(Ending(count, first) if count else None, undelivered or 0)


def _deleted(user: User) -> list[Deleted]:
    mine = Membership.objects.filter(user=user, organization__deleted_at__isnull=False)
    ended = mine.values_list("organization__name", "organization__deleted_at").order_by("organization__name")
    return [Deleted(name, at + deletion.GRACE) for name, at in ended if at]
