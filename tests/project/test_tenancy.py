"""No route lets one organization see, change or even notice another's rows: read off the URL resolver."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from accounts.drf.routes import Route, routes
from tests.support.people import fresh_browser_of
from tests.support.tenants import (
    IDS,
    OWNED,
    SECRET,
    SHARED,
    Tenant,
    address,
    checksum,
    unknown_id,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Django's own admin is for our staff, and below accounts/ people are of no organization yet.
OUTSIDE = ("admin/", "accounts/")
CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="[A-Za-z0-9]+"')


WITH_IDS = [
    route
    for route in routes()
    if route.parameters and SECRET not in route.parameters and not route.path.startswith(OUTSIDE)
]


def caller_of(route: Route, tenant: Tenant) -> Client:
    """A program for the API, its owner for sessions, and in a browser for pages."""
    if route.is_api:
        of_people = "session_id" in route.parameters
        bearer = tenant.session.access_token if of_people else tenant.issued.plaintext
        return Client(headers={"Authorization": f"Bearer {bearer}"})
    return fresh_browser_of(tenant.member.user)


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


def test_every_id_in_a_path_is_known() -> None:
    unlisted = {(route.path, name) for route in WITH_IDS for name in route.parameters if name not in IDS}
    assert not unlisted, f"Say in IDS how a tenant's own id is written there: {sorted(unlisted)}."


KNOWN = [route for route in WITH_IDS if set(route.parameters) <= IDS.keys()]


@pytest.mark.parametrize("route", KNOWN, ids=[route.path for route in KNOWN])
def test_anothers_id_answers_like_an_unknown_one_and_changes_nothing(
    route: Route, mine: Tenant, theirs: Tenant
) -> None:
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


@pytest.mark.parametrize("route", KNOWN, ids=[route.path for route in KNOWN])
def test_ones_own_id_is_found(route: Route, mine: Tenant) -> None:
    """Else the test above would prove nothing."""
    own = {name: IDS[name][0](mine) for name in route.parameters}
    client = caller_of(route, mine)
    found = {ask(client, method, route, own)[0] for method in ("GET", "POST", "PATCH", "DELETE")}
    assert found & {200, 201, 204, 302, 400, 409, 422}, found


# Routes without an id in their path, by the field of the body or form that names a row; None: none does.
NAMED_IN_BODY: dict[str, str | None] = {
    "api/auth/whoami": None,
    "api/v1/audit-events": None,
    "api/v1/clients": None,
    "api/v1/context": None,
    "api/v1/identity": None,
    "api/v1/indexes": None,
    "api/v1/invitations": None,
    "api/v1/invitations/accept": None,
    "api/v1/members": None,
    "api/v1/organization": None,
    "api/v1/organization/revoke-all": None,
    "api/v1/organization/transfer-ownership": "memberId",
    "api/v1/tokens": None,
    "api/v1/tokens/lookup": "token",
    "api/v1/usage": None,
    "settings/audit-log/": None,
    "settings/audit-log/export.csv": None,
    "settings/audit-log/export.json": None,
    "settings/clients/": None,
    "settings/clients/new/": None,
    "settings/members/": None,
    "settings/members/invite/": None,
    "settings/members/leave/": "token",
    "settings/members/transfer-ownership/": "member",
    "settings/organization/": None,
    "settings/organization/addresses/": None,
    "settings/organization/delete/": None,
    "settings/organization/metadata/": None,
    "settings/organization/policies/": None,
    "settings/organization/rename/": None,
    "settings/organization/revoke-all/": None,
    "settings/organization/rotate-key/": None,
    "settings/profile/": None,
    "settings/security/": None,
    "settings/security/end-all/": None,
    "settings/security/end-others/": None,
    "settings/switch-organization/": "organization",
    "settings/theme/": None,
    "settings/tokens/": None,
    "settings/tokens/new/": None,
    "settings/tokens/revoke/": "token",
    "settings/tokens/search/": "token",
    "settings/usage/": None,
    "settings/usage/callers/": None,
    "settings/usage/periods/": None,
    "settings/usage/export.csv": None,
    "v1/auth/logout": None,
    "v1/auth/sessions": None,
}
NAMING = {path: field for path, field in NAMED_IN_BODY.items() if field}
WITHOUT_IDS = {
    route.path: route
    for route in routes()
    if not route.parameters
    and not route.is_public
    and not route.path.startswith((*OUTSIDE, "internal/"))
    and route.path not in ("", "readyz")
}


def test_every_route_without_an_id_says_what_its_body_names() -> None:
    unlisted = WITHOUT_IDS.keys() - NAMED_IN_BODY.keys()
    assert not unlisted, f"Enter {sorted(unlisted)} in NAMED_IN_BODY: the field that names a row, or None."
    assert not NAMED_IN_BODY.keys() - WITHOUT_IDS.keys(), "These routes are gone: take them out."


@pytest.mark.parametrize("path", NAMING)
def test_anothers_id_in_a_body_changes_nothing(path: str, mine: Tenant, theirs: Tenant) -> None:
    client = caller_of(WITHOUT_IDS[path], mine)
    before = checksum(theirs)
    field = NAMING[path]
    named = {
        "token": theirs.token_id,
        "organization": theirs.member.organization.public_id,
        "member": theirs.member.public_id,
        "memberId": theirs.member.public_id,
    }[field]
    if path.startswith("api/"):
        response = client.post(f"/{path}", {field: named}, content_type="application/json")
        assert 400 <= response.status_code < 500
    else:
        client.post(f"/{path}", {field: named, "confirm": "revoke 1", "recipient": mine.member.public_id})
    assert checksum(theirs) == before
    page = fresh_browser_of(mine.member.user).get("/settings/tokens/").content.decode()
    assert mine.member.organization.name in page
    assert theirs.member.organization.name not in page


@pytest.mark.parametrize("path", WITHOUT_IDS)
def test_what_a_route_without_an_id_shows_is_nothing_of_another(
    path: str, mine: Tenant, theirs: Tenant
) -> None:
    route = WITHOUT_IDS[path]
    response = caller_of(route, mine).get(f"/{path}", {"status": "all"} if path == "api/v1/tokens" else {})
    content = b"".join(response) if response.streaming else response.content
    text = content.decode()
    organization = theirs.member.organization
    for secret in (
        *(theirs.token_id, theirs.program.id, theirs.member.public_id, theirs.member.user.email),
        *(theirs.invitation.public_id, theirs.invitation.email, theirs.colleague.public_id),
        *(organization.public_id, organization.name, organization.publishable_key),
    ):
        assert secret not in text


def test_every_table_says_whose_its_rows_are() -> None:
    ours = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "tokens", "ratelimit", "usersessions")
    }
    unlisted = ours - OWNED.keys() - SHARED
    assert not unlisted, (
        f"Say in OWNED how {sorted(unlisted)} name their organization, or list them in SHARED."
    )
    assert OWNED.keys() | SHARED == ours


def test_the_list_of_routes_is_not_empty() -> None:
    paths: Any = {route.path for route in WITH_IDS}
    assert "api/v1/tokens/<str:token_id>/revoke" in paths
