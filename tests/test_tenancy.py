"""No route lets one organization see, change or even notice another's rows: read off the URL resolver."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db.models import Model
from django.test import Client

from accounts import end_users, ids, indexes
from accounts.models import Index, Invitation, Membership
from accounts.roles import Role
from accounts.routes import Route, routes
from ratelimit.refusals import API_PREFIXES
from tests.people import make_member, make_organization, make_plan, make_token
from tests.sessions import opened
from tests.team import make_invited
from tests.tokens.oauth import Program, make_program
from tokens.grants import Tokens
from tokens.issuing import Issued

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Django's own admin is for our staff, and below accounts/ people are of no organization yet.
OUTSIDE = ("admin/", "accounts/")
CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="[A-Za-z0-9]+"')


@dataclass(frozen=True)
class Tenant:
    """An organization with something in each of its drawers."""

    member: Membership
    colleague: Membership
    invitation: Invitation
    issued: Issued
    program: Program
    index: Index
    session: Tokens
    browser: UserSession

    @property
    def token_id(self) -> str:
        return self.issued.token.public_id


NUMBER = "number"
# A mailed link's secret names nobody's row until it is known.
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
    "accounts.MailedLink": "user__memberships__organization",
    "accounts.Organization": "pk",
    "accounts.Membership": "organization",
    "accounts.Invitation": "organization",
    "accounts.Notice": "organization",
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
    "ratelimit.DailyUsage": "bucket",
    "ratelimit.HourlyUsage": "bucket",
    "usersessions.UserSession": "user__memberships__organization",
}
SHARED = {"ratelimit.Plan", "ratelimit.Window"}

WITH_IDS = [
    route
    for route in routes()
    if route.parameters and SECRET not in route.parameters and not route.path.startswith(OUTSIDE)
]


# A short one would be found by chance in what else a page says.
LONG_NUMBERS = count(700_000_001)


def make_tenant() -> Tenant:
    member = make_member(make_organization(plan=make_plan("enterprise", None)))
    issued = make_token(member, "Everything", ["*:*:*"])
    index = indexes.create(organization_id=member.organization_id, name="Shop")
    end_users.find_or_create(member.organization_id, ids.new())
    browser = UserSession.objects.create(
        pk=next(LONG_NUMBERS), user=member.user, session_key=ids.new().hex, ip="127.0.0.1"
    )
    invitation = make_invited(member, f"{ids.new().hex}@example.com").invitation
    colleague = make_member(member.organization, Role.VIEWER)
    program = make_program(member)
    return Tenant(member, colleague, invitation, issued, program, index, opened(member), browser)


@pytest.fixture
def mine(db: None) -> Tenant:
    return make_tenant()


@pytest.fixture
def theirs(db: None) -> Tenant:
    return make_tenant()


def caller_of(route: Route, tenant: Tenant) -> Client:
    """A program for the API, its owner for sessions, and in a browser for pages."""
    if f"/{route.path}".startswith(API_PREFIXES):
        of_people = "session_id" in route.parameters
        bearer = tenant.session.access_token if of_people else tenant.issued.plaintext
        return Client(headers={"Authorization": f"Bearer {bearer}"})
    client = Client()
    client.force_login(tenant.member.user)
    return client


def unknown_id(prefix: str) -> str:
    if prefix == NUMBER:
        return "999999999"
    return ids.encode(prefix, ids.new()) if prefix else str(ids.new())


def address(route: Route, values: dict[str, str]) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route.path)


def ask(client: Client, method: str, route: Route, values: dict[str, str]) -> tuple[int, bytes]:
    """Status and body, without what is random in a form and without the ids that the caller wrote."""
    response = client.generic(
        method,
        address(route, values),
        "{}",
        content_type="application/json",
        headers={"X-Request-ID": "the-same"},
    )
    body = CSRF.sub(b"", response.content)
    for value in values.values():
        body = body.replace(value.encode(), b"the-id")
    return response.status_code, body


def checksum(tenant: Tenant) -> str:
    """Of every row that belongs to the tenant, in every table of the product."""
    found = sha256()
    for label, place in OWNED.items():
        model: type[Model] = apps.get_model(label)
        rows = model._default_manager.filter(**{place: tenant.member.organization_id}).order_by("pk")
        found.update(repr([label, *rows.values_list()]).encode())
    return found.hexdigest()


@pytest.mark.parametrize("route", WITH_IDS, ids=[route.path for route in WITH_IDS])
def test_anothers_id_answers_like_an_unknown_one_and_changes_nothing(
    route: Route, mine: Tenant, theirs: Tenant
) -> None:
    known = IDS.keys()
    assert set(route.parameters) <= known, f"Say in IDS what {route.path} names."
    real = {name: IDS[name][0](theirs) for name in route.parameters}
    unknown = {name: unknown_id(IDS[name][1]) for name in route.parameters}
    client = caller_of(route, mine)
    before = checksum(theirs)
    for method in METHODS:
        answer = ask(client, method, route, real)
        assert answer == ask(client, method, route, unknown), method
        assert answer[0] in (404, 405), method
        assert checksum(theirs) == before, method
        if route.view is not None:
            has_it = hasattr(route.view, "get" if method == "HEAD" else method.lower())
            assert answer[0] == (404 if has_it else 405), method


@pytest.mark.parametrize("route", WITH_IDS, ids=[route.path for route in WITH_IDS])
def test_ones_own_id_is_found(route: Route, mine: Tenant) -> None:
    """Else the test above would prove nothing."""
    own = {name: IDS[name][0](mine) for name in route.parameters}
    client = caller_of(route, mine)
    found = {ask(client, method, route, own)[0] for method in ("GET", "POST", "PATCH", "DELETE")}
    assert found & {200, 204, 302, 400, 422}, found


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/settings/tokens/revoke/", "token"),
        ("/settings/switch-organization/", "organization"),
        ("/settings/members/transfer-ownership/", "member"),
        ("/settings/members/leave/", "token"),
    ],
)
def test_anothers_id_in_a_form_changes_nothing(path: str, field: str, mine: Tenant, theirs: Tenant) -> None:
    client = Client()
    client.force_login(mine.member.user)
    before = checksum(theirs)
    named = {
        "token": theirs.token_id,
        "organization": theirs.member.organization.public_id,
        "member": theirs.member.public_id,
    }[field]
    client.post(path, {field: named, "confirm": "revoke 1", "heir": mine.member.public_id})
    assert checksum(theirs) == before
    page = client.get("/settings/tokens/").content.decode()
    assert mine.member.organization.name in page
    assert theirs.member.organization.name not in page


def test_every_table_says_whose_its_rows_are() -> None:
    ours = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "tokens", "ratelimit", "usersessions")
    }
    assert ours == OWNED.keys() | SHARED


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/tokens?status=all",
        "/api/v1/clients",
        "/api/v1/members",
        "/api/v1/invitations",
        "/api/v1/usage",
        "/api/v1/organization",
        "/api/v1/audit-events",
    ],
)
def test_lists_hold_nothing_of_another(path: str, mine: Tenant, theirs: Tenant) -> None:
    client = Client(headers={"Authorization": f"Bearer {mine.issued.plaintext}"})
    text = client.get(path).content.decode()
    organization = theirs.member.organization
    for secret in (
        *(theirs.token_id, theirs.program.id, theirs.member.public_id, theirs.member.user.email),
        *(theirs.invitation.public_id, theirs.invitation.email, theirs.colleague.public_id),
        *(organization.public_id, organization.name, organization.publishable_key),
    ):
        assert secret not in text


def test_the_list_of_routes_is_not_empty() -> None:
    paths: Any = {route.path for route in WITH_IDS}
    assert "api/v1/tokens/<str:token_id>/revoke" in paths
