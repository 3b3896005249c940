"""Django's admin: staff only, and only through the sign-in page of everybody else."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from accounts.organizations.provisioning import person
from tests.support.people import PASSWORD, browser_of, make_staff, make_user
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
INDEX = "/admin/"


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    response = client.get(INDEX, follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2F"


def test_the_admins_own_login_checks_no_password(client: Client) -> None:
    make_user("root@example.com", is_staff=True, is_superuser=True)
    form = {"username": "root@example.com", "password": PASSWORD, "next": INDEX}
    response = client.post("/admin/login/", form)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("wrong_tries", "signed_in"), [(3, True), (20, False)])
def test_guessing_a_staff_password_is_limited_like_any_other(
    client: Client, wrong_tries: int, signed_in: bool
) -> None:
    person(email="root@example.com", password=PASSWORD, superuser=True)
    page = "/accounts/login/?next=/admin/"
    for _ in range(wrong_tries):
        client.post(page, {"login": "root@example.com", "password": "wrong"})
    client.post(page, {"login": "root@example.com", "password": PASSWORD})
    assert client.get(INDEX).status_code == (200 if signed_in else 302)


def test_an_owner_who_is_not_staff_is_refused(owner: Membership) -> None:
    assert browser_of(owner.user).get(INDEX, follow=True).status_code == 403


def test_a_deactivated_staff_member_is_out_at_once() -> None:
    user = make_user(is_staff=True, is_superuser=True)
    browser = browser_of(user)
    assert browser.get(INDEX).status_code == 200
    user.is_active = False
    user.save()
    assert browser.get(INDEX).status_code == 302


def test_a_bearer_opens_nothing_here(client: Client, issued: Issued) -> None:
    response = client.get(INDEX, headers={"Authorization": f"Bearer {issued.plaintext}"})
    assert response.status_code == 302


def test_staff_without_a_permission_see_nothing() -> None:
    browser = make_staff()
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        assert browser.get(reverse(name)).status_code == 403, page


def test_every_page_of_the_admin_opens_for_a_superuser_and_is_never_stored(staff: Client) -> None:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        response = staff.get(reverse(name), {"q": "x"})
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]


def test_only_these_tables_are_in_the_admin() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert registered == {
        "accounts.AuditEvent",
        "accounts.Invitation",
        "accounts.Membership",
        "accounts.Organization",
        "accounts.OutboxMail",
        "accounts.User",
        "admin.LogEntry",
        "auth.Group",
        "ratelimit.Plan",
        "tokens.OAuthClient",
        "tokens.ServiceAccountToken",
    }
