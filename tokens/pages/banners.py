"""Banners of every page: suspension, deletion, used quota, expiring tokens, undelivered invitations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, Subquery
from django.http import HttpRequest

from accounts.authentication.current_organization import CurrentOrganization
from accounts.authorization import acts
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
    """A daily quota of which at least ``NEAR_PERCENT`` is used."""

    limit: int
    today: Today

    @property
    def is_exhausted(self) -> bool:
        return self.today.remaining == 0


@dataclass(frozen=True, slots=True)
class Expiring:
    """Number and earliest expiry of the active tokens that expire soon."""

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
    """A page shows those that are not empty. A new banner needs a field here and a sentence in
    ``components/banners.html``.
    """

    suspended: Suspended | None = None
    plan: Plan | None = None
    expiring: Expiring | None = None
    # Invitations whose emails could not be sent.
    undelivered: int = 0
    deleted: Sequence[Deleted] = ()


NOTHING = Banners()


def banners(request: HttpRequest, found: CurrentOrganization, now: datetime) -> Banners:
    """Read the banners once for each request, in a constant number of queries.

    One query reads tokens and invitations, and one the quota if Redis does not have it.
    A suspension's reason needs another query.
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
        expiring=figures.expiring if found.actor.allows(SEE_TOKENS) else None,
        undelivered=figures.undelivered if found.actor.allows(acts.MANAGE) else 0,
    )


def _plan(organization: Organization, now: datetime) -> Plan | None:
    limit = organization.effective_requests_per_day
    if limit is None:
        return None
    today = reports.today(organization.pk, limit, now=now)
    return Plan(limit, today) if today.used * 100 >= limit * NEAR_PERCENT else None


@dataclass(frozen=True, slots=True)
class _Figures:
    expiring: Expiring | None
    undelivered: int


def _figures(organization: Organization, now: datetime) -> _Figures:
    """Read the figures in one query."""
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
    return _Figures(Expiring(count, first) if count else None, undelivered or 0)


def _deleted(user: User) -> list[Deleted]:
    mine = Membership.objects.filter(user=user, organization__deleted_at__isnull=False)
    ended = mine.values_list("organization__name", "organization__deleted_at").order_by("organization__name")
    return [Deleted(name, at + deletion.GRACE) for name, at in ended if at]
