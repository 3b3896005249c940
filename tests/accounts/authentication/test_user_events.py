"""Changes of an account are recorded in the log of each organization that the person belongs to."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.management import call_command

from accounts.audit import log
from accounts.audit.models import AuditEvent
from accounts.authentication.user_events import record
from accounts.models import Membership, Organization, User
from accounts.organizations import provisioning
from accounts.permissions.roles import Role
from accounts.registration import password_reset
from ratelimit.models import Plan
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    login_json,
    make_person,
    sign_in,
)
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import browser_of, make_member, make_organization, make_plan, make_user
from tests.support.team import changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    make_plan()
    return make_person("ann@example.com")


def events_of(organization: Organization) -> list[tuple[str, str, str]]:
    """All events, of every actor."""
    events = AuditEvent.objects.filter(organization=organization).order_by("sequence")
    return list(events.values_list("action", "actor_type", "target_name"))


def actions(user: User) -> list[str]:
    organization = user.memberships.get().organization
    return [action for action, _, _ in events_of(organization)]


def test_signing_in_and_out_on_pages(person: User) -> None:
    browser = MailingClient()
    sign_in(browser)
    browser.post("/accounts/logout/")

    assert not is_signed_in(browser)
    assert actions(person) == ["user.signed_in", "user.signed_out"]
    event = AuditEvent.objects.get(action="user.signed_in")
    assert (event.address, event.actor_id) == ("127.0.0.1", person.public_id)
    assert event.request_id


def test_every_organization_of_the_person_is_told_and_no_other(person: User) -> None:
    second = make_member(make_organization(), Role.VIEWER, person)
    stranger = make_member()
    sign_in(MailingClient())

    assert AuditEvent.objects.filter(action="user.signed_in").count() == 2
    assert events_of(second.organization) == [("user.signed_in", "user", "Ann")]
    assert events_of(stranger.organization) == []


@pytest.mark.parametrize("endpoint", ["/accounts/login/", "/v1/auth/login"])
def test_a_failed_sign_in_is_recorded_for_accounts_that_exist(person: User, endpoint: str) -> None:
    for email in ("ann@example.com", "nobody@example.com"):
        client = MailingClient()
        if endpoint.startswith("/v1"):
            client.send_json(endpoint, {"email": email, "password": OTHER_PASSWORD})
        else:
            client.post(endpoint, {"login": email, "password": OTHER_PASSWORD})

    event = AuditEvent.objects.get()
    assert (event.action, event.actor_type, event.target_id) == (
        *("user.sign_in_failed", "anonymous"),
        person.public_id,
    )
    assert event.address == "127.0.0.1"


@pytest.mark.parametrize("endpoint", ["page", "JSON"])
def test_a_wrong_code_is_a_failed_sign_in(person: User, endpoint: str) -> None:
    TOTP.activate(person, generate_totp_secret())
    browser = MailingClient()
    if endpoint == "page":
        sign_in(browser)
        browser.post("/accounts/2fa/authenticate/", {"code": "no-code"})
    else:
        login_json(browser, "ann@example.com", code="no-code")

    assert actions(person) == ["user.mfa_enabled", "user.sign_in_failed"]


def test_failures_are_bounded_by_the_limit_on_sign_ins(person: User, settings: Any) -> None:
    settings.SIGN_INS_PER_ACCOUNT = 3
    for _ in range(6):
        sign_in(MailingClient(), password=OTHER_PASSWORD)

    assert AuditEvent.objects.filter(action="user.sign_in_failed").count() == 3


def test_without_its_event_nobody_is_signed_in(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("The log cannot be written.")

    browser = MailingClient(raise_request_exception=False)
    with monkeypatch.context() as broken:
        broken.setattr(log, "_append", refuse)
        assert sign_in(browser).status_code == 500

    assert not is_signed_in(browser)


def test_a_password_changed_and_one_reset(person: User) -> None:
    password_reset.set_password(person, OTHER_PASSWORD)
    browser = MailingClient()
    browser.post("/accounts/password/reset/", {"email": "ann@example.com"})
    browser.post(path_of(last_mail()), {"password": PASSWORD})

    assert actions(person)[:2] == ["user.password_changed", "user.password_reset"]
    text = repr(list(AuditEvent.objects.values_list("changes", flat=True)))
    assert PASSWORD not in text
    assert OTHER_PASSWORD not in text


def test_without_its_event_no_password_changes(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("The log cannot be written.")

    with monkeypatch.context() as broken:
        broken.setattr(log, "_append", refuse)
        with pytest.raises(RuntimeError):
            password_reset.set_password(person, OTHER_PASSWORD)

    assert User.objects.get(pk=person.pk).check_password(PASSWORD)


def test_a_second_factor_on_and_off(person: User) -> None:
    made = Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "sealed"})
    made.save()
    made.delete()

    assert actions(person) == ["user.mfa_enabled", "user.mfa_disabled"]
    assert "sealed" not in repr(changes(person.memberships.get().organization, "user.mfa_enabled"))


def test_signing_out_of_another_browser(person: User) -> None:
    sign_in(MailingClient())
    here = MailingClient()
    sign_in(here)
    here.post("/settings/security/end-others/")

    assert "session.ended" in actions(person)


def test_staff_who_edit_a_plan_are_named_to_each_organization(staff: Any, owner: Membership) -> None:
    plan: Plan = owner.organization.plan
    form = {"name": plan.name, "requests_per_day": 7, "burst_per_minute": ""}
    staff.post(f"/admin/ratelimit/plan/{plan.pk}/change/", form)

    event = AuditEvent.objects.get(action="organization.plan_changed")
    assert (event.organization_id, event.actor_type) == (owner.organization_id, "staff")
    assert event.actor_name == User.objects.get(email="staff@example.com").display_name
    assert event.changes == {"requests_per_day": [100, 7]}


def test_what_the_bootstrap_command_does_is_the_systems_act() -> None:
    make_plan()
    call_command(
        "bootstrap", email="eve@example.com", password=PASSWORD, organization="Kettles", token="CI", json=True
    )
    organization = Organization.objects.get(slug="kettles")

    assert [(action, kind) for action, kind, _ in events_of(organization)] == [
        *(("organization.created", "system"), ("member.joined", "system"), ("token.created", "system")),
    ]
    provisioning.person(email="eve@example.com", password=OTHER_PASSWORD)
    assert events_of(organization)[-1][:2] == ("user.password_changed", "system")


def test_nobodys_organization_hears_of_a_person_who_belongs_nowhere() -> None:
    user = make_user()
    record("user.signed_in", user)
    browser_of(user)

    assert not AuditEvent.objects.exists()
