"""Who may do what: every endpoint and page, read off the URL resolver, for each of the four roles.

The table says what an operation needs: a permission, or the roles by name where no permission decides.
An operation that is not in it fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from rest_framework.views import APIView

from accounts.drf.permissions import declared_scope
from accounts.drf.routes import Route, routes
from accounts.models import Membership
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_member
from tests.support.sessions import session_of
from tests.support.tenants import IDS, Tenant, address

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVERYBODY = tuple(Role)
OWNERS = (Role.OWNER,)
Need = str | tuple[Role, ...]

ENDPOINTS: dict[str, Need] = {
    "GET api/auth/whoami": EVERYBODY,
    "GET api/v1/audit-events": "auditLog.view",
    "GET api/v1/clients": "clients.view",
    "POST api/v1/clients": "clients.manage",
    "GET api/v1/clients/<str:client_id>": "clients.view",
    "PATCH api/v1/clients/<str:client_id>": "clients.manage",
    "DELETE api/v1/clients/<str:client_id>": "clients.manage",
    "POST api/v1/clients/<str:client_id>/rotate-secret": "clients.manage",
    "DELETE api/v1/clients/<str:client_id>/tokens": "clients.manage",
    "GET api/v1/context": EVERYBODY,
    "GET api/v1/identity": EVERYBODY,
    "GET api/v1/indexes": "index:read:*",
    "POST api/v1/indexes": "index:write:*",
    "GET api/v1/indexes/<str:uuid>": "index:read:*",
    "PATCH api/v1/indexes/<str:uuid>": "index:write:*",
    "DELETE api/v1/indexes/<str:uuid>": "index:write:*",
    "GET api/v1/invitations": "members.view",
    "POST api/v1/invitations": "members.manage",
    # The person who has the link and the address; see the tests of invitations.
    "POST api/v1/invitations/accept": EVERYBODY,
    "DELETE api/v1/invitations/<str:invitation_id>": "members.manage",
    "POST api/v1/invitations/<str:invitation_id>/resend": "members.manage",
    "GET api/v1/members": "members.view",
    "PATCH api/v1/members/<str:member_id>": "members.manage",
    # Of others; everybody may leave.
    "DELETE api/v1/members/<str:member_id>": "members.manage",
    "GET api/v1/organization": "organization.view",
    "PATCH api/v1/organization": "organization.manage",
    "POST api/v1/organization/revoke-all": "organization.manage",
    "POST api/v1/organization/transfer-ownership": OWNERS,
    "GET api/v1/tokens": "tokens.view",
    "POST api/v1/tokens": "tokens.manage",
    "POST api/v1/tokens/lookup": "tokens.view",
    "GET api/v1/tokens/<str:token_id>": "tokens.view",
    "PATCH api/v1/tokens/<str:token_id>": "tokens.manage",
    "DELETE api/v1/tokens/<str:token_id>": "tokens.manage",
    "GET api/v1/tokens/<str:token_id>/impact": "tokens.view",
    "GET api/v1/tokens/<str:token_id>/pause": "tokens.view",
    "POST api/v1/tokens/<str:token_id>/pause": "tokens.manage",
    "POST api/v1/tokens/<str:token_id>/resume": "tokens.manage",
    "POST api/v1/tokens/<str:token_id>/revoke": "tokens.manage",
    # Of others; a token with tokens:rotate:self may rotate itself.
    "POST api/v1/tokens/<str:token_id>/rotate": "tokens.manage",
    "DELETE api/v1/tokens/<str:token_id>/rotation": "tokens.manage",
    "POST api/v1/tokens/<str:token_id>/rotation/finish": "tokens.manage",
    "GET api/v1/tokens/<str:token_id>/usage": "usage.view",
    "GET api/v1/usage": "usage.view",
    "POST v1/auth/logout": EVERYBODY,
    "GET v1/auth/sessions": EVERYBODY,
    "DELETE v1/auth/sessions": EVERYBODY,
    "DELETE v1/auth/sessions/<str:session_id>": EVERYBODY,
}

PAGES: dict[str, Need] = {
    "settings/audit-log/": "auditLog.view",
    "settings/audit-log/export.csv": "auditLog.view",
    "settings/audit-log/export.json": "auditLog.view",
    "settings/clients/": "clients.view",
    "settings/clients/new/": "clients.manage",
    "settings/clients/<str:client_id>/": "clients.view",
    "settings/clients/<str:client_id>/edit/": "clients.manage",
    "settings/clients/<str:client_id>/rotate/": "clients.manage",
    "settings/clients/<str:client_id>/secret/": "clients.manage",
    "settings/clients/<str:client_id>/revoke/": "clients.manage",
    "settings/clients/<str:client_id>/delete/": "clients.manage",
    "settings/members/": "members.view",
    "settings/members/invite/": "members.manage",
    "settings/members/invitations/<str:invitation_id>/resend/": "members.manage",
    "settings/members/invitations/<str:invitation_id>/revoke/": "members.manage",
    "settings/members/leave/": EVERYBODY,
    "settings/members/transfer-ownership/": OWNERS,
    "settings/members/<str:member_id>/role/": "members.manage",
    "settings/members/<str:member_id>/remove/": "members.manage",
    "settings/organization/": "organization.view",
    "settings/organization/addresses/": "organization.manage",
    "settings/organization/delete/": OWNERS,
    "settings/organization/metadata/": "organization.manage",
    "settings/organization/policies/": "organization.manage",
    "settings/organization/rename/": "organization.manage",
    "settings/organization/revoke-all/": "organization.manage",
    "settings/organization/rotate-key/": "organization.manage",
    "settings/profile/": EVERYBODY,
    "settings/security/": EVERYBODY,
    "settings/security/browsers/<int:browser_id>/end/": EVERYBODY,
    "settings/security/end-all/": EVERYBODY,
    "settings/security/end-others/": EVERYBODY,
    "settings/security/sessions/<str:session_id>/end/": EVERYBODY,
    "settings/switch-organization/": EVERYBODY,
    "settings/theme/": EVERYBODY,
    "settings/tokens/": "tokens.view",
    "settings/tokens/search/": "tokens.view",
    "settings/tokens/new/": "tokens.manage",
    "settings/tokens/revoke/": "tokens.manage",
    "settings/tokens/<str:token_id>/": "tokens.view",
    "settings/tokens/<str:token_id>/created/": "tokens.manage",
    "settings/tokens/<str:token_id>/first-call/": "tokens.view",
    "settings/tokens/<str:token_id>/addresses/": "tokens.manage",
    "settings/tokens/<str:token_id>/edit/": "tokens.manage",
    "settings/tokens/<str:token_id>/pause/": "tokens.manage",
    "settings/tokens/<str:token_id>/resume/": "tokens.manage",
    "settings/tokens/<str:token_id>/narrow/": "tokens.manage",
    "settings/tokens/<str:token_id>/revoke/": "tokens.manage",
    "settings/tokens/<str:token_id>/rotate/": "tokens.manage",
    "settings/tokens/<str:token_id>/rotated/": "tokens.manage",
    "settings/tokens/<str:token_id>/rotation/cancel/": "tokens.manage",
    "settings/tokens/<str:token_id>/rotation/finish/": "tokens.manage",
    "settings/usage/": "usage.view",
    "settings/usage/callers/": "usage.view",
    "settings/usage/periods/": "usage.view",
    "settings/usage/export.csv": "usage.view",
}

# What asks for no organization: one's own account, staff's admin, our own services, and what is for anybody.
OTHER_DOORS = ("accounts/", "admin/", "internal/", ".well-known/")
FOR_ANYBODY = {"", "healthz", "readyz", "v1/auth/docs"}

# Without the right body, a flow that decides by itself would not come to the deciding.
BODIES = {
    "POST api/v1/organization/transfer-ownership": {"memberId": "member_id"},
    # An invalid body, because an admin would not receive the secret of the tenant's token, which may do more.
    "POST api/v1/tokens/<str:token_id>/rotate": {"overlapSeconds": "token_id"},
}
BY_PATH = {route.path: route for route in routes()}


def operations() -> Iterator[tuple[str, Route]]:
    for route in routes():
        if route.view is not None and not route.is_public and not route.path.startswith(OTHER_DOORS):
            for method in METHODS:
                if hasattr(route.view, method.lower()):
                    yield f"{method} {route.path}", route


def pages() -> set[str]:
    return {
        route.path
        for route in routes()
        if not route.is_api and not route.path.startswith(OTHER_DOORS) and route.path not in FOR_ANYBODY
    }


def may(role: Role, need: Need) -> bool:
    return role_scopes(role).allows(need) if isinstance(need, str) else role in need


def newcomer(tenant: Tenant, role: Role) -> Membership:
    member = make_member(tenant.member.organization, role)
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


def values(route: Route, tenant: Tenant) -> dict[str, str]:
    return {name: IDS[name][0](tenant) for name in route.parameters}


def body(operation: str, tenant: Tenant) -> dict[str, str]:
    return {field: IDS[name][0](tenant) for field, name in BODIES.get(operation, {}).items()}


def test_every_endpoint_is_in_the_table() -> None:
    found = {operation for operation, _ in operations()}
    assert not found - ENDPOINTS.keys(), "Enter these in ENDPOINTS, with the permission or roles they need."
    assert not ENDPOINTS.keys() - found, "These endpoints are gone: take them out of ENDPOINTS."


def test_every_page_is_in_the_table() -> None:
    assert not pages() - PAGES.keys(), "Enter these in PAGES, with the permission or roles they need."
    assert not PAGES.keys() - pages(), "These pages are gone: take them out of PAGES."


@pytest.mark.parametrize("operation", ENDPOINTS)
def test_an_endpoint_opens_to_those_roles_alone(operation: str, mine: Tenant) -> None:
    """Those that may least come first, because the others change things."""
    method, path = operation.split(" ")
    route = BY_PATH[path]
    for role in reversed(Role):
        client = session_of(newcomer(mine, role))
        call: Any = getattr(client, method.lower())
        response = call(address(route, values(route, mine)), body(operation, mine))
        opened = response.status_code not in (401, 403)
        assert opened is may(role, ENDPOINTS[operation]), (role, response.status_code, response.content)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_to_those_roles_alone_to_read_and_to_write(path: str, mine: Tenant) -> None:
    route = BY_PATH[path]
    for role in reversed(Role):
        person = newcomer(mine, role)
        for method in ("GET", "POST"):
            browser = browser_of(person.user)
            response = browser.generic(method, address(route, values(route, mine)))
            if response.status_code == 405:
                continue
            assert (response.status_code != 403) is may(role, PAGES[path]), (role, method)


def test_every_page_sends_strangers_to_the_sign_in_page(mine: Tenant) -> None:
    # The colours are anybody's choice.
    for path, method in product(PAGES.keys() - {"settings/theme/"}, ("GET", "POST")):
        route = BY_PATH[path]
        response = Client().generic(method, address(route, values(route, mine)))
        if response.status_code != 405:
            assert response["Location"].startswith("/accounts/login/"), (method, path)


@pytest.mark.parametrize("operation", [name for name, need in ENDPOINTS.items() if isinstance(need, str)])
def test_the_declared_permission_is_the_tables(operation: str) -> None:
    """Where a view declares none, its flow decides, and the roles above have shown how."""
    method, path = operation.split(" ")
    view = BY_PATH[path].view
    assert view is not None
    assert declared_scope(view(), method) in (ENDPOINTS[operation], None)


def test_a_view_that_declares_nothing_is_an_error_and_not_open() -> None:
    class Forgotten(APIView):
        def get(self) -> None: ...

    with pytest.raises(ImproperlyConfigured):
        declared_scope(Forgotten(), "GET")


def test_each_role_holds_all_that_the_one_below_holds() -> None:
    ranks = list(Role)
    for higher, lower in pairwise(ranks):
        assert role_scopes(higher).missing(role_scopes(lower).texts) == []
        assert Role(higher).outranks(Role(lower))
