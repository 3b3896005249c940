"""Two organizations to compare: what each owns, and where its ids stand in paths and tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db.models import Model

from accounts import typeid
from accounts.drf.routes import Route
from accounts.models import Index, Invitation, Membership
from accounts.permissions.roles import Role
from accounts.resources import end_users, indexes
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.sessions import opened
from tests.support.team import make_invited
from tests.tokens.oauth.calls import Program, make_program
from tokens.grants.token_pair import TokenPair
from tokens.service_accounts.issue import Issued


@dataclass(frozen=True)
class Tenant:
    """An organization with a row of each kind."""

    member: Membership
    colleague: Membership
    invitation: Invitation
    issued: Issued
    program: Program
    index: Index
    session: TokenPair
    browser: UserSession

    @property
    def token_id(self) -> str:
        return self.issued.token.public_id


NUMBER = "number"

# A mailed link's secret names a row only to the person who knows it.
SECRET = "secret"

# For each parameter of a route: how the other organization's real id is written there, and its prefix.
IDS: dict[str, tuple[Callable[[Tenant], str], str]] = {
    "browser_id": (lambda tenant: str(tenant.browser.pk), NUMBER),
    "client_id": (lambda tenant: tenant.program.id, "cli"),
    "invitation_id": (lambda tenant: tenant.invitation.public_id, "inv"),
    "member_id": (lambda tenant: tenant.colleague.public_id, "mem"),
    "session_id": (lambda tenant: tenant.session.grant.public_id, "ses"),
    "token_id": (lambda tenant: tenant.token_id, "tok"),
    "uuid": (lambda tenant: str(tenant.index.pk), ""),
}

# Where a model's rows say which organization they belong to.
OWNED: dict[str, str] = {
    "accounts.User": "memberships__organization",
    "accounts.KnownNetwork": "user__memberships__organization",
    "accounts.MailedClaim": "user__memberships__organization",
    "accounts.MailedLink": "user__memberships__organization",
    "accounts.Organization": "pk",
    "accounts.Membership": "organization",
    "accounts.Invitation": "organization",
    "accounts.Notice": "organization",
    "accounts.StaffNote": "organization",
    "accounts.SupportSession": "organization",
    "accounts.AuditChain": "organization",
    "accounts.AuditEvent": "organization",
    "accounts.Index": "organization",
    "accounts.EndUser": "organization",
    "accounts.EndUserCount": "organization",
    "tokens.ServiceAccountToken": "organization",
    "tokens.TokenSecret": "token__organization",
    "tokens.OAuthClient": "organization",
    "tokens.ClientSecret": "client__organization",
    "tokens.Grant": "organization",
    "tokens.RefreshToken": "grant__organization",
    "ratelimit.Reservation": "bucket",
    "ratelimit.DailyKeyUsage": "bucket",
    "ratelimit.DailyUsage": "bucket",
    "ratelimit.DailyStatistics": "bucket",
    "ratelimit.HourlyUsage": "bucket",
    "ratelimit.RefusedUse": "bucket",
    "usersessions.UserSession": "user__memberships__organization",
}

# The outbox is for staff alone: no page or endpoint of an organization reads it.
SHARED = {"accounts.OutboxMail", "ratelimit.Plan", "ratelimit.Window"}

# A short one would be found by chance in what else a page says.
LONG_NUMBERS = count(700_000_001)


def make_tenant() -> Tenant:
    member = make_member(make_organization(plan=make_plan("enterprise", None)))
    issued = make_token(member, "Everything", ["*:*:*"])
    index = indexes.create(organization_id=member.organization_id, name="Shop")
    end_users.find_or_create(member.organization_id, typeid.new())
    browser = UserSession.objects.create(
        pk=next(LONG_NUMBERS), user=member.user, session_key=typeid.new().hex, ip="127.0.0.1"
    )
    invitation = make_invited(member, f"{typeid.new().hex}@example.com").invitation
    colleague = make_member(member.organization, Role.VIEWER)
    program = make_program(member)
    return Tenant(member, colleague, invitation, issued, program, index, opened(member), browser)


def unknown_id(prefix: str) -> str:
    if prefix == NUMBER:
        return "999999999"
    return typeid.encode(prefix, typeid.new()) if prefix else str(typeid.new())


def address(route: Route, values: dict[str, str]) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route.path)


def checksum(tenant: Tenant) -> str:
    """Of every row that belongs to the tenant, in every table of the product."""
    found = sha256()
    for label, place in OWNED.items():
        model: type[Model] = apps.get_model(label)
        rows = model._default_manager.filter(**{place: tenant.member.organization_id}).order_by("pk")
        found.update(repr([label, *rows.values_list()]).encode())
    return found.hexdigest()
