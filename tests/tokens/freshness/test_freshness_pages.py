"""Every page that removes access increments the generation in its own transaction, and publishes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.drf.routes import Route, routes
from tests.support.mails import last_mail, path_of
from tests.support.people import PASSWORD, browser_of, fresh_browser_of
from tests.support.sessions import make_person
from tests.support.team import fresh_browser
from tests.support.tenants import IDS, NUMBER, SECRET, Tenant, address, make_tenant, unknown_id
from tests.tokens.freshness.changes import watching
from tests.tokens.freshness.test_freshness_api import ADDS, NEW_PASSWORD, UNREMEMBERED, assert_told

Call = Callable[[Tenant], Any]
SIGNS_IN = "it signs a person in, or shows the account"
SECOND_FACTOR = "a second factor is required at sign-in and by flows"


def posted(path: str, **form: str) -> Call:
    """The owner sends a form; ids in the address and in the form are the tenant's own."""

    def call(tenant: Tenant) -> Any:
        ids = {name: find(tenant) for name, (find, _) in IDS.items()}
        ids |= {"client": tenant.program.row.name, "organization": tenant.member.organization.name}
        filled = {name: value.format(**ids) for name, value in form.items()}
        return fresh_browser(tenant.member).post(path.format(**ids), filled)

    return call


def after(prepare: Call, call: Call) -> Call:
    def both(tenant: Tenant) -> Any:
        prepare(tenant)
        return call(tenant)

    return both


def leave(tenant: Tenant) -> Any:
    return browser_of(tenant.colleague.user).post("/settings/members/leave/")


def change_password(tenant: Tenant) -> Any:
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD}
    return fresh_browser(tenant.member).post("/accounts/password/change/", form)


def set_password(tenant: Tenant) -> Any:
    user = tenant.member.user
    user.set_unusable_password()
    user.save()
    return fresh_browser_of(user).post("/accounts/password/set/", {"password1": NEW_PASSWORD})


def reset_password(tenant: Tenant) -> Any:
    email = make_person(tenant.member.organization).user.email
    mail.outbox.clear()
    Client().post("/accounts/password/reset/", {"email": email})
    return Client().post(path_of(last_mail()), {"password": NEW_PASSWORD})


def change_email(tenant: Tenant) -> Any:
    browser = fresh_browser(make_person(tenant.member.organization))
    mail.outbox.clear()
    browser.post("/accounts/email/", {"email": f"moved-{tenant.member.pk.hex}@example.com"})
    return browser.post(path_of(last_mail()))


def narrow(tenant: Tenant) -> Any:
    day = (timezone.now() + timedelta(days=1)).date().isoformat()
    form = {"permissions": tenant.issued.token.permissions, "expires_on": day}
    return fresh_browser(tenant.member).post(f"/settings/tokens/{tenant.token_id}/narrow/", form)


rotate = posted("/settings/tokens/{token_id}/rotate/", overlap="86400", expiration="keep", nonce="n-1")

TAKES: dict[str, Call] = {
    "accounts/confirm-email/<str:secret>": change_email,
    "accounts/password/change/": change_password,
    "accounts/password/reset/key/<str:secret>": reset_password,
    "accounts/password/set/": set_password,
    "settings/clients/<str:client_id>/delete/": posted(
        "/settings/clients/{client_id}/delete/", typed="{client}"
    ),
    "settings/clients/<str:client_id>/edit/": posted(
        "/settings/clients/{client_id}/edit/",
        name="Other",
        refresh_auth="required",
        permissions="index:read:*",
    ),
    "settings/clients/<str:client_id>/revoke/": after(
        lambda tenant: tenant.program.grant(), posted("/settings/clients/{client_id}/revoke/")
    ),
    "settings/members/leave/": leave,
    "settings/members/transfer-ownership/": posted(
        "/settings/members/transfer-ownership/", member="{member_id}"
    ),
    "settings/members/<str:member_id>/remove/": posted("/settings/members/{member_id}/remove/"),
    "settings/members/<str:member_id>/role/": posted("/settings/members/{member_id}/role/", role="admin"),
    "settings/organization/addresses/": posted(
        "/settings/organization/addresses/",
        act="save",
        allowed_addresses="203.0.113.7",
        reviewed="203.0.113.7",
    ),
    "settings/organization/delete/": posted("/settings/organization/delete/", typed="{organization}"),
    "settings/organization/metadata/": posted(
        "/settings/organization/metadata/", metadata_name="region", metadata_value="eu"
    ),
    "settings/organization/policies/": posted("/settings/organization/policies/", longest_token_days="7"),
    "settings/organization/rename/": posted("/settings/organization/rename/", name="Another"),
    "settings/organization/revoke-all/": posted("/settings/organization/revoke-all/", typed="{organization}"),
    "settings/organization/rotate-key/": posted("/settings/organization/rotate-key/"),
    "settings/security/end-all/": posted("/settings/security/end-all/"),
    "settings/security/sessions/<str:session_id>/end/": posted(
        "/settings/security/sessions/{session_id}/end/"
    ),
    "settings/tokens/<str:token_id>/addresses/": posted(
        "/settings/tokens/{token_id}/addresses/",
        act="save",
        allowed_addresses="203.0.113.7",
        reviewed="203.0.113.7",
    ),
    "settings/tokens/<str:token_id>/edit/": posted("/settings/tokens/{token_id}/edit/", name="Another"),
    "settings/tokens/<str:token_id>/pause/": posted("/settings/tokens/{token_id}/pause/", end="open"),
    "settings/tokens/<str:token_id>/resume/": after(
        posted("/settings/tokens/{token_id}/pause/", end="open"),
        posted("/settings/tokens/{token_id}/resume/"),
    ),
    "settings/tokens/<str:token_id>/narrow/": narrow,
    "settings/tokens/<str:token_id>/revoke/": posted("/settings/tokens/{token_id}/revoke/"),
    "settings/tokens/<str:token_id>/rotate/": rotate,
    "settings/tokens/<str:token_id>/rotation/cancel/": after(
        rotate, posted("/settings/tokens/{token_id}/rotation/cancel/")
    ),
    "settings/tokens/<str:token_id>/rotation/finish/": after(
        rotate, posted("/settings/tokens/{token_id}/rotation/finish/")
    ),
    "settings/tokens/revoke/": posted("/settings/tokens/revoke/", token="{token_id}"),
}

TAKES_NOTHING: dict[str, str] = {
    "": "it only sends on",
    "settings/clients/<str:client_id>/rotate/": UNREMEMBERED,
    "settings/clients/new/": ADDS,
    "settings/members/invitations/<str:invitation_id>/resend/": UNREMEMBERED,
    "settings/members/invitations/<str:invitation_id>/revoke/": UNREMEMBERED,
    "settings/members/invite/": ADDS,
    "settings/profile/": "it only changes a name",
    "settings/security/browsers/<int:browser_id>/end/": "what was exchanged for a browser ends by the ORM",
    "settings/security/end-others/": "what was exchanged for a browser ends by the ORM",
    "settings/switch-organization/": "it only shows another",
    "settings/theme/": "it only shows",
    "settings/tokens/new/": ADDS,
    "settings/tokens/search/": "it only answers",
}
# Below here are no organization's pages, and who signs in by them gets what is looked up at each use.
BELOW: dict[str, str] = {
    "accounts/2fa/": SECOND_FACTOR,
    "accounts/google/": SIGNS_IN,
    "accounts/microsoft/": SIGNS_IN,
    "accounts/invitations/": ADDS,
    "accounts/magic-link/": SIGNS_IN,
}
SIGNING_IN = {
    "accounts/confirm-email/",
    "accounts/email/",
    "accounts/inactive/",
    "accounts/login/",
    "accounts/logout/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/reauthenticate/",
    "accounts/signup/",
}


def takes_forms(route: Route) -> bool:
    """A request without a session learns the allowed methods first."""
    values = {name: "1" if name == "pk" else _unknown(name) for name in route.parameters}
    return Client().post(address(route, values)).status_code != 405


def _unknown(name: str) -> str:
    return unknown_id(IDS[name][1] if name in IDS else NUMBER if name != SECRET else "")


@pytest.mark.django_db
def test_every_page_that_takes_a_form_is_in_the_table() -> None:
    pages = [
        route for route in routes() if not route.is_api and not route.path.startswith(("admin/", *BELOW))
    ]
    found = {route.path for route in pages if takes_forms(route)}
    known = TAKES.keys() | TAKES_NOTHING.keys()
    unlisted = found - SIGNING_IN - known
    assert not unlisted, (
        f"Enter {sorted(unlisted)} in TAKES, with a call, or in TAKES_NOTHING, with the reason."
    )
    assert found - SIGNING_IN == known


@pytest.mark.django_db(transaction=True)
def test_whatever_takes_something_away_tells_in_the_same_transaction(redis_client: redis.Redis) -> None:
    with watching() as watch:
        for path, call in TAKES.items():
            tenant = make_tenant()
            watch.forget()
            response = call(tenant)
            assert response.status_code in (302, 303), (path, response.content)
            assert_told(watch, path, tenant, redis_client)
