"""What staff do in the admin, and operators by a command, advances the generation in its own transaction."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib import admin
from django.core.management import call_command, get_commands
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_plan, make_user
from tests.support.sessions import make_person
from tests.support.tenants import Tenant, make_tenant
from tests.tokens.freshness.changes import watching
from tests.tokens.freshness.test_freshness_api import ADDS, NEW_PASSWORD, UNREMEMBERED, assert_told

TOKEN = "tokens_serviceaccounttoken"
APPS = ("accounts", "config", "ratelimit", "tokens")
Call = Callable[[Client, Tenant], Any]


def chosen(model: str, action: str, find: Callable[[Tenant], Any]) -> Call:
    def call(staff: Client, tenant: Tenant) -> Any:
        form = {"action": action, "_selected_action": [find(tenant).pk], "confirmed": "yes", "post": "yes"}
        form["reason"] = "because"
        return staff.post(reverse(f"admin:{model}_changelist"), form)

    return call


def deleted(model: str, find: Callable[[Tenant], Any]) -> Call:
    def call(staff: Client, tenant: Tenant) -> Any:
        return staff.post(reverse(f"admin:{model}_delete", args=[find(tenant).pk]), {"post": "yes"})

    return call


def organization(tenant: Tenant) -> Any:
    return tenant.member.organization


def colleague(tenant: Tenant) -> Any:
    return tenant.colleague.user


def token(tenant: Tenant) -> Any:
    return tenant.issued.token


def paused_and_resumed(staff: Client, tenant: Tenant) -> Any:
    chosen(TOKEN, "pause", token)(staff, tenant)
    return chosen(TOKEN, "resume", token)(staff, tenant)


def terms(**changed: Any) -> Call:
    def call(staff: Client, tenant: Tenant) -> Any:
        form = {"plan": organization(tenant).plan_id, "requests_per_day": "", "never_expiring_allowed": "on"}
        page = reverse("admin:accounts_organization_change", args=[organization(tenant).pk])
        plan = {"plan": make_plan("smaller", 5).pk} if "plan" in changed else {}
        return staff.post(page, form | changed | plan)

    return call


def numbers(**changed: int) -> Call:
    """A plan of the tenant's alone, with lower numbers than it had."""

    def call(staff: Client, tenant: Tenant) -> Any:
        plan = organization(tenant).plan
        form = {"name": plan.name, "requests_per_day": "", "burst_per_minute": ""} | changed
        return staff.post(reverse("admin:ratelimit_plan_change", args=[plan.pk]), form)

    return call


def named(staff: Client, tenant: Tenant) -> Any:
    page = reverse("admin:accounts_user_change", args=[colleague(tenant).pk])
    return staff.post(page, {"name": "Somebody Else"})


def reactivated(staff: Client, tenant: Tenant) -> Any:
    chosen("accounts_user", "deactivate", colleague)(staff, tenant)
    return chosen("accounts_user", "reactivate", colleague)(staff, tenant)


def without_second_factor(staff: Client, tenant: Tenant) -> Any:
    RecoveryCodes.activate(colleague(tenant))
    return chosen("accounts_user", "reset_second_factor", colleague)(staff, tenant)


def resumed(staff: Client, tenant: Tenant) -> Any:
    chosen("accounts_organization", "suspend", organization)(staff, tenant)
    return chosen("accounts_organization", "resume", organization)(staff, tenant)


def restored(staff: Client, tenant: Tenant) -> Any:
    chosen("accounts_organization", "delete_selected", organization)(staff, tenant)
    return chosen("accounts_organization", "restore", organization)(staff, tenant)


TELLS: dict[str, Call] = {
    "accounts.Membership action delete_selected": chosen(
        "accounts_membership", "delete_selected", lambda tenant: tenant.colleague
    ),
    "accounts.Membership delete": deleted("accounts_membership", lambda tenant: tenant.colleague),
    "accounts.Organization action delete_selected": chosen(
        "accounts_organization", "delete_selected", organization
    ),
    "accounts.Organization action restore": restored,
    "accounts.Organization action resume": resumed,
    "accounts.Organization action suspend": chosen("accounts_organization", "suspend", organization),
    "accounts.Organization delete": deleted("accounts_organization", organization),
    "accounts.Organization field allowed_addresses": terms(allowed_addresses="192.0.2.0/24"),
    "accounts.Organization field plan": terms(plan="another"),
    "accounts.Organization field requests_per_day": terms(requests_per_day=3),
    "accounts.User action deactivate": chosen("accounts_user", "deactivate", colleague),
    "accounts.User action delete_selected": chosen("accounts_user", "delete_selected", colleague),
    "accounts.User action reactivate": reactivated,
    "accounts.User action reset_second_factor": without_second_factor,
    "accounts.User delete": deleted("accounts_user", colleague),
    "accounts.User field name": named,
    "ratelimit.Plan field burst_per_minute": numbers(burst_per_minute=5),
    "ratelimit.Plan field requests_per_day": numbers(requests_per_day=5),
    "tokens.OAuthClient action delete_clients": chosen(
        "tokens_oauthclient", "delete_clients", lambda tenant: tenant.program.row
    ),
    "tokens.ServiceAccountToken action pause": chosen(TOKEN, "pause", token),
    "tokens.ServiceAccountToken action resume": paused_and_resumed,
    "tokens.ServiceAccountToken action revoke": chosen(TOKEN, "revoke", token),
}
OF_STAFF = "the admin asks at each request what its own people may"
TELLS_NOTHING: dict[str, str] = {
    "accounts.Invitation action revoke": UNREMEMBERED,
    "accounts.OutboxMail action try_again": "no credential depends on a mail",
    "accounts.Organization action add_note": "no credential depends on a note",
    "accounts.Organization action support": "a support session is read at each request of its browser",
    "accounts.Organization add": ADDS,
    "accounts.Organization field never_expiring_allowed": "asked where a token is made",
    "accounts.User field groups": OF_STAFF,
    "accounts.User field is_staff": OF_STAFF,
    "accounts.User field is_superuser": OF_STAFF,
    "accounts.User field user_permissions": OF_STAFF,
    "accounts.User page password": "a mailed link, and only its use changes something",
    "auth.Group action delete_selected": OF_STAFF,
    "auth.Group add": ADDS,
    "auth.Group delete": OF_STAFF,
    "auth.Group field name": OF_STAFF,
    "auth.Group field permissions": OF_STAFF,
    "ratelimit.Plan action delete_selected": "the database keeps a plan that an organization has",
    "ratelimit.Plan add": ADDS,
    "ratelimit.Plan delete": "the database keeps a plan that an organization has",
    "ratelimit.Plan field name": "for people to read",
}


def possibilities() -> Iterator[str]:
    """What a superuser may do: actions, fields, adding, deleting, and pages of a model's own."""
    request = RequestFactory().get("/")
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    for model, page in admin.site._registry.items():
        label = model._meta.label
        yield from (f"{label} action {name}" for name in page.get_actions(request))
        if page.has_add_permission(request):
            yield f"{label} add"
        if page.has_delete_permission(request):
            yield f"{label} delete"
        if page.has_change_permission(request):
            fields = page.get_form(request, model(), change=True).base_fields
            yield from (f"{label} field {name}" for name in fields)
        assert not page.list_editable
        yield from (f"{label} page {name}" for name in own_pages(page))


def own_pages(page: Any) -> list[str]:
    common = {"", "add/", "<path:object_id>/", *(f"<path:object_id>/{one}/" for one in COMMON_PAGES)}
    found = {str(url.pattern) for url in page.get_urls()} - common
    return sorted(pattern.strip("/").rpartition("/")[2] for pattern in found)


COMMON_PAGES = ("history", "delete", "change")


def test_whatever_the_admin_offers_is_in_the_table() -> None:
    assert set(possibilities()) == TELLS.keys() | TELLS_NOTHING.keys()


@pytest.mark.django_db(transaction=True)
def test_what_staff_take_away_is_told_in_the_same_transaction(redis_client: redis.Redis) -> None:
    staff = browser_of(make_user("staff@example.com", is_staff=True, is_superuser=True))
    with watching() as watch:
        for what, call in TELLS.items():
            tenant = make_tenant()
            watch.forget()
            response = call(staff, tenant)
            assert response.status_code == 302, (what, response.content)
            assert_told(watch, what, tenant, redis_client)


def test_every_command_is_known_here() -> None:
    """A new one that removes access belongs into the test below."""
    ours = {name for name, app in get_commands().items() if app in APPS}
    assert ours == {
        *("audit_verify", "bootstrap", "demo", "housekeeping", "mfa_reencrypt", "revoke_since"),
        "rotate_signing_key",
    }


@pytest.mark.django_db(transaction=True)
def test_a_repeated_bootstrap_tells_of_what_it_changes(redis_client: redis.Redis) -> None:
    make_plan("smaller", 5)
    tenant = make_tenant()
    organization(tenant).slug = "acme"
    organization(tenant).save(update_fields=["slug"])
    email = make_person(organization(tenant), Role.ADMIN).user.email
    with watching() as watch:
        for changed in ({"plan": "smaller"}, {"password": NEW_PASSWORD}, {"name": "Somebody Else"}):
            watch.forget()
            call_command("bootstrap", email=email, organization="Acme", stdout=io.StringIO(), **changed)
            assert_told(watch, str(changed), tenant, redis_client)


@pytest.mark.django_db(transaction=True)
def test_what_a_restored_backup_revokes_is_told(redis_client: redis.Redis) -> None:
    tenant = make_tenant()
    with watching() as watch:
        call_command("revoke_since", "2020-01-01T00:00:00Z", everything=True, yes=True, stdout=io.StringIO())
        assert_told(watch, "revoke_since", tenant, redis_client)
