"""Staff create an organization with its owner: an account that exists, or a new one that confirms by mail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AuditEvent, Membership, Organization, User
from accounts.organizations.provisioning import person
from accounts.permissions.roles import Role
from ratelimit.models import Plan
from tests.support.people import PASSWORD, make_organization, make_staff, make_user

pytestmark = pytest.mark.django_db
ADD = reverse("admin:accounts_organization_add")
NEEDED = ("accounts.view_organization", "accounts.add_organization")


def form(**changed: Any) -> dict[str, Any]:
    plan = Plan.objects.get_or_create(slug="small_business", defaults={"name": "Small Business"})[0]
    values = {"name": "Acme Ltd", "plan": plan.pk, "email": "ada@example.com", "owner_name": "Ada Lovelace"}
    return values | changed


@pytest.fixture
def create(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Any:
    """Send the form as staff who may add organizations; mails are sent."""
    browser = make_staff(*NEEDED)

    def send(**changed: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return browser.post(ADD, form(**changed))

    return send


def recorded(organization: Organization) -> list[tuple[str, str]]:
    found = AuditEvent.objects.filter(organization=organization).order_by("sequence")
    return list(found.values_list("action", "actor_type"))


def test_an_existing_person_becomes_the_owner_at_once(create: Any) -> None:
    ada = person(email="ada@example.com", password=PASSWORD, name="Ada")
    response = create(email="ADA@example.com")
    organization = Organization.objects.get()
    assert response.headers["Location"] == f"/admin/accounts/organization/{organization.pk}/change/"
    assert (organization.name, organization.slug, organization.plan.slug) == (
        "Acme Ltd",
        "acme-ltd",
        "small_business",
    )
    assert [(one.user, one.role) for one in Membership.objects.all()] == [(ada, Role.OWNER)]
    assert recorded(organization) == [("organization.created", "staff"), ("member.joined", "staff")]
    assert LogEntry.objects.get().change_message == "Created with the owner ada@example.com."
    assert [one.subject for one in mail.outbox] == ["Acme Ltd has a new owner"]
    assert User.objects.get(pk=ada.pk).name == "Ada"


def test_a_new_person_confirms_the_address_and_chooses_a_password(create: Any) -> None:
    create()
    ada = User.objects.get(email="ada@example.com")
    assert (ada.name, ada.has_usable_password()) == ("Ada Lovelace", False)
    assert not EmailAddress.objects.get(user=ada).verified
    [sent] = mail.outbox
    assert sent.subject == "Acme Ltd is ready on Tessera"
    [link] = re.findall(r"/accounts/confirm-email/\w{43}", str(sent.body))
    browser = Client()
    assert browser.post("/accounts/login/", {"login": ada.email, "password": ""}).status_code != 302
    browser.post(link, {"password": "correct horse battery staple"})
    assert EmailAddress.objects.get(user=ada).verified
    workspace = browser.get("/settings/tokens/").context["workspace"]
    assert (workspace.membership.organization.name, workspace.membership.role) == ("Acme Ltd", Role.OWNER)
    assert Client().post(link, {"password": "another good passphrase"}).status_code == 404
    assert Organization.objects.count() == 1


def test_an_account_whose_address_is_unconfirmed_gets_a_new_password_by_the_same_link(create: Any) -> None:
    ada = make_user("ada@example.com")
    EmailAddress.objects.create(user=ada, email=ada.email, verified=False, primary=True)
    create()
    [link] = re.findall(r"/accounts/confirm-email/\w{43}", str(mail.outbox[0].body))
    Client().post(link, {"password": "correct horse battery staple"})
    ada.refresh_from_db()
    assert not ada.check_password(PASSWORD)
    assert Membership.objects.get(user=ada).role == Role.OWNER


def test_a_taken_slug_gets_a_suffix(create: Any) -> None:
    taken = make_organization("Acme Ltd")
    Organization.objects.filter(pk=taken.pk).update(slug="acme-ltd")
    create()
    assert Organization.objects.exclude(pk=taken.pk).get().slug.startswith("acme-ltd-")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"plan": "0"}, "Select a valid choice."),
        ({"email": "gone@example.com"}, "gone@example.com is deactivated."),
    ],
)
def test_a_wrong_field_creates_nothing_and_says_why(
    wrong: dict[str, str], sentence: str, create: Any
) -> None:
    make_user("gone@example.com", is_active=False)
    response = create(**wrong)
    assert response.status_code == 400
    assert sentence in response.content.decode()
    assert not Organization.objects.exists()
    assert not User.objects.filter(email="ada@example.com").exists()
    assert not mail.outbox


def test_it_needs_the_permission_to_add_organizations() -> None:
    browser = make_staff("accounts.view_organization", "accounts.change_organization")
    assert browser.get(ADD).status_code == 403
    assert browser.post(ADD, form()).status_code == 403
    assert not Organization.objects.exists()
    assert "Add organization" in make_staff(*NEEDED).get(ADD).content.decode()
