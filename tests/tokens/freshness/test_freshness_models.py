"""What a credential is made of changes together with its organization's generation, by the ORM as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from accounts.authentication.browser_sessions import BrowserSession
from accounts.models import Membership, Organization, User
from ratelimit.models import Plan
from tests.support.people import make_plan
from tests.support.sessions import opened
from tests.support.tenants import Tenant, make_tenant
from tests.tokens.freshness.changes import CONCERNS, Watch, remembered, watching
from tokens.models import Grant, OAuthClient, ServiceAccountToken

OURS = ("accounts", "tokens", "ratelimit")

# What no credential is made of, so that its change needs no telling; and why that is so.
NOT_REMEMBERED: dict[str, str] = {
    "accounts.AuditChain": "a record",
    "accounts.AuditEvent": "a record",
    "accounts.EndUser": "data of the organization",
    "accounts.EndUserCount": "data of the organization",
    "accounts.Index": "data of the organization",
    "accounts.Invitation": "looked up when it is used",
    "accounts.KnownNetwork": "lets nobody in",
    "accounts.MailedClaim": "looked up when it is used",
    "accounts.MailedLink": "of the version before",
    "accounts.Notice": "a record",
    "accounts.OutboxMail": "a record",
    "accounts.StaffNote": "a record",
    "accounts.SupportSession": "read at each request of its browser",
    "ratelimit.DailyKeyUsage": "a count",
    "ratelimit.DailyUsage": "a count",
    "ratelimit.DailyStatistics": "counts",
    "ratelimit.HourlyUsage": "a count",
    "ratelimit.RefusedUse": "a count",
    "ratelimit.Reservation": "the store is given it by epoch",
    "ratelimit.Window": "looked up at each request",
    "tokens.ClientSecret": "looked up at each use",
    "tokens.RefreshToken": "looked up at each use",
}
ABOUT_ROWS = "shown by pages and lists, which read the row"
ABOUT_SIGN_IN = "read at sign-in and by flows, never by a credential"
FREE_FIELDS: dict[str, dict[str, str]] = {
    "accounts.Membership": {"id": "fixed", "joined_at": ABOUT_ROWS, "last_seen_at": ABOUT_ROWS},
    "accounts.Organization": {
        "id": "fixed",
        "slug": ABOUT_ROWS,
        "publishable_key": ABOUT_SIGN_IN,
        "never_expiring_allowed": "asked where a token is made",
        "longest_token_days": "asked where a token is made",
        "unused_tokens_revoked_after_days": "asked by housekeeping",
        "leaked_tokens": "asked where a leak is reported",
        "generation": "the count itself",
        "created_at": ABOUT_ROWS,
    },
    "accounts.User": {
        "id": "fixed",
        "password": "its change draws another password_version",
        "last_login": ABOUT_ROWS,
        "is_superuser": "staff's admin asks at each request",
        "is_staff": "staff's admin asks at each request",
        "date_joined": ABOUT_ROWS,
        "wanted_organization": ABOUT_SIGN_IN,
    },
    "ratelimit.Plan": {"id": "fixed", "slug": "for commands", "name": ABOUT_ROWS},
    "tokens.Grant": {
        "scope": "asked where an access token is made",
        "created_at": ABOUT_ROWS,
        "revoked_reason": ABOUT_ROWS,
        "user_agent": ABOUT_ROWS,
        "address": ABOUT_ROWS,
    },
    "tokens.OAuthClient": {
        "id": "fixed",
        "organization": "fixed; a grant names its own",
        "refresh_auth": ABOUT_SIGN_IN,
        "parent": "ends it where the parent is revoked",
        "parent_client": "ends it where that client is deleted",
        "expires_at": "its grants end no later",
        "created_by": ABOUT_ROWS,
        "created_at": ABOUT_ROWS,
    },
    "tokens.ServiceAccountToken": {
        "id": "fixed",
        "description": ABOUT_ROWS,
        "created_by": ABOUT_ROWS,
        "created_at": ABOUT_ROWS,
        "revoked_by": ABOUT_ROWS,
        "revoked_reason": ABOUT_ROWS,
        "renewed_at": "a constraint of the expiry",
        "paused_reason": ABOUT_ROWS,
        "leaked_at": ABOUT_ROWS,
        "leak_source": ABOUT_ROWS,
        "idempotency_digest": "asked where a token is made",
        "parent": "ends it where the parent is revoked",
        "parent_client": "ends it where the client is deleted",
    },
    "tokens.TokenSecret": {
        "id": "fixed",
        "prefix": ABOUT_ROWS,
        "last_four": ABOUT_ROWS,
        "shown_to": "asked where that person loses access",
        "parent": "asked where that program ends",
        "parent_client": "asked where that program ends",
        "created_at": ABOUT_ROWS,
        "known_to": ABOUT_ROWS,
        "known_since": ABOUT_ROWS,
        "superseded_at": ABOUT_ROWS,
        "idempotency_digest": "asked where a token is rotated",
    },
    "usersessions.UserSession": {
        "id": "fixed",
        "created_at": ABOUT_ROWS,
        "ip": ABOUT_ROWS,
        "last_seen_at": ABOUT_ROWS,
        "session_key": "Django's session is looked up where a browser asks",
        "user_agent": ABOUT_ROWS,
        "data": ABOUT_ROWS,
    },
}


@pytest.fixture
def watch(transactional_db: None) -> Iterator[Watch]:
    with watching() as watch:
        yield watch


def test_every_model_is_remembered_or_said_not_to_be() -> None:
    ours = {model._meta.label for model in apps.get_models() if model._meta.app_label in OURS}
    assert {model._meta.label for model in remembered()} == FREE_FIELDS.keys()
    remembered_of_ours = {label for label in FREE_FIELDS if label.partition(".")[0] in OURS}
    assert ours == remembered_of_ours | NOT_REMEMBERED.keys()
    assert remembered().keys() == CONCERNS.keys()


@pytest.mark.parametrize("model", remembered(), ids=lambda model: model.__name__)
def test_every_field_is_remembered_or_said_not_to_be(model: type[models.Model]) -> None:
    fields = {field.name for field in model._meta.concrete_fields}
    free = FREE_FIELDS[model._meta.label].keys()
    assert fields - remembered()[model] - free == set(), "Let a look-up read it, or say why it needs not."
    assert free <= fields


def remove_member(tenant: Tenant) -> None:
    Membership.objects.filter(pk=tenant.colleague.pk).delete()


def delete_user(tenant: Tenant) -> None:
    tenant.colleague.user.delete()


def delete_users(tenant: Tenant) -> None:
    User.objects.filter(pk=tenant.colleague.user_id).delete()


def deactivate(tenant: Tenant) -> None:
    tenant.colleague.user.is_active = False
    tenant.colleague.user.save()


def change_password(tenant: Tenant) -> None:
    tenant.colleague.user.set_password("another-long-enough-one")
    tenant.colleague.user.save(update_fields=["password", "password_version"])


def rename(tenant: Tenant) -> None:
    tenant.colleague.user.name = "Somebody Else"
    tenant.colleague.user.save(update_fields=["name"])


def lower_plan(tenant: Tenant) -> None:
    plan = make_plan("enterprise")
    plan.requests_per_day = 7
    plan.save()


def end_browser(tenant: Tenant) -> None:
    opened(tenant.member, browser=BrowserSession(tenant.browser.pk, timezone.now() + timedelta(days=1)))
    tenant.browser.delete()


def delete_organization(tenant: Tenant) -> None:
    tenant.member.organization.delete()


def delete_organization_without_members(tenant: Tenant) -> None:
    Membership.objects.filter(organization=tenant.member.organization).delete()
    Organization.objects.filter(pk=tenant.member.organization_id).delete()


BY_THE_ORM = [
    remove_member,
    delete_user,
    delete_users,
    deactivate,
    change_password,
    rename,
    lower_plan,
    end_browser,
    delete_organization,
    delete_organization_without_members,
]


def test_a_change_by_the_orm_counts_the_generation_up_in_its_own_transaction(watch: Watch) -> None:
    found: dict[str, Any] = {}
    for change in BY_THE_ORM:
        tenant = make_tenant()
        watch.forget()
        change(tenant)
        results = tenant.member.organization_id in watch.advanced()
        found[change.__name__] = (results, watch.untold())
    assert found == {change.__name__: (True, set()) for change in BY_THE_ORM}


RAW: dict[str, Callable[[Tenant], Any]] = {
    "a role": lambda tenant: Membership.objects.filter(pk=tenant.colleague.pk).update(role="admin"),
    "a token": lambda tenant: ServiceAccountToken.objects.update(revoked_at=timezone.now()),
    "a grant": lambda tenant: Grant.objects.update(revoked_at=timezone.now()),
    "a client": lambda tenant: OAuthClient.objects.update(deleted_at=timezone.now()),
    "an organization": lambda tenant: Organization.objects.update(suspended_at=timezone.now()),
    "a plan": lambda tenant: Plan.objects.update(requests_per_day=1),
}


def test_the_watch_sees_what_bypasses_the_generation(watch: Watch) -> None:
    """Else the tests above and beside this one would prove nothing."""
    tenant = make_tenant()
    for name, change in RAW.items():
        watch.forget()
        change(tenant)
        assert watch.untold(), name


def test_telling_in_another_transaction_is_not_enough(watch: Watch) -> None:
    tenant = make_tenant()
    watch.forget()
    RAW["a role"](tenant)
    with transaction.atomic():
        Organization.objects.advance([tenant.member.organization_id])
    assert watch.untold() == {("accounts_membership", "role")}
