"""In a support session no unsafe method succeeds, on any route, and no page shows more than a viewer's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from accounts.authorization.rights import authorize_locked
from accounts.drf.routes import Route, routes
from accounts.errors import APIError
from accounts.models import Membership, User
from accounts.staff import support
from config.http.chains import FOR_BROWSERS
from tests.accounts.staff.test_support_sessions import NEEDED, enter
from tests.project.test_roles_matrix import BY_PATH, PAGES, may
from tests.support.lasting import lasting
from tests.support.people import make_staff
from tests.support.tenants import IDS, Tenant, checksum, make_tenant
from tokens.models import Grant

pytestmark = pytest.mark.django_db
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SENTENCE = "A support session is read-only"
# About the person alone.
PERSONAL = ("settings/profile/", "settings/security/", "settings/switch-organization/")


@pytest.fixture(scope="module")
def _entered(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Tenant, Client]]:
    with lasting(django_db_blocker, entered) as found:
        yield found


def entered() -> tuple[Tenant, Client]:
    tenant, browser = make_tenant(), make_staff(*NEEDED)
    enter(browser, tenant.member.organization)
    return tenant, browser


@pytest.fixture
def tenant(_entered: tuple[Tenant, Client]) -> Tenant:
    return _entered[0]


@pytest.fixture
def browser(_entered: tuple[Tenant, Client]) -> Client:
    """In a support session, and without CSRF checks, so that nothing else refuses."""
    found = Client()
    found.cookies = deepcopy(_entered[1].cookies)
    return found


def place(route: Route, tenant: Tenant) -> str:
    """The route's address, with the tenant's own ids where they are known."""
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "anything", route.path)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: value(found[1], tenant), path)
    return "/" + re.sub(r"[\^$\\]", "", path)


def value(name: str, tenant: Tenant) -> str:
    return IDS[name][0](tenant) if name in IDS else "1"


def with_session() -> list[Route]:
    """Every route that reads the cookie of a browser's session."""
    return [route for route in routes() if not route.is_api or f"/{route.path}" in FOR_BROWSERS]


def test_every_unsafe_method_of_every_route_is_refused(
    browser: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page around the sentence takes most of the time, and is the same for each.
    monkeypatch.setattr(
        support,
        "render",
        lambda request, template, context, status: HttpResponse(context["title"], status=status),
    )
    before, found = checksum(tenant), {}
    for route in with_session():
        for method in UNSAFE:
            if route.path == "admin/support/end/" and method == "POST":
                continue
            response = browser.generic(method, place(route, tenant))
            if response.status_code != 403 or SENTENCE not in response.content.decode():
                found[method, route.path] = response.status_code
    assert found == {}
    assert checksum(tenant) == before
    assert len(with_session()) > 150


def test_no_program_session_is_given_for_it(browser: Client, tenant: Tenant) -> None:
    before = Grant.objects.count()
    for body in ({}, {"organization": tenant.member.organization.public_id}):
        response = browser.post("/v1/auth/exchange", body, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (403, "support_session")
    assert Grant.objects.count() == before


def test_a_request_without_the_csrf_token_does_not_end_it(browser: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(reverse("support-end")).status_code == 403
    assert "read-only, ends" in browser.get("/settings/tokens/").content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_what_a_viewer_sees(path: str, browser: Client, tenant: Tenant) -> None:
    response = browser.get(place(BY_PATH[path], tenant))
    opens = may("viewer", PAGES[path]) and not path.startswith(PERSONAL)  # type: ignore[arg-type]
    if response.status_code != 405:
        assert (response.status_code != 403) is opens
        assert response.status_code in (200, 302, 403, 404)


def test_the_pages_of_the_persons_own_account_are_closed(browser: Client) -> None:
    for path in ("accounts/2fa/", "accounts/2fa/recovery-codes/", "accounts/email/", "settings/security/"):
        html = browser.get(f"/{path}").content.decode()
        assert "This page is not part of the support session" in html, path


def test_a_flow_refuses_the_actor_even_where_a_page_would_not(browser: Client, tenant: Tenant) -> None:
    actor = browser.get("/settings/tokens/").context["workspace"].actor
    with pytest.raises(APIError):
        authorize_locked(actor)


def test_the_banner_is_on_each_page_and_in_the_admin(browser: Client) -> None:
    for path in (
        "/settings/tokens/",
        "/settings/members/",
        "/settings/organization/",
        "/settings/usage/",
        "/admin/",
    ):
        html = browser.get(path).content.decode()
        assert "read-only, ends" in html
        assert f'action="{reverse("support-end")}"' in html


def test_no_member_is_noted_as_seen(browser: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        browser.get("/settings/members/")
    assert not [one["sql"] for one in queries if one["sql"].startswith("UPDATE")]
    assert not Membership.objects.filter(user=User.objects.get(is_staff=True)).exists()
