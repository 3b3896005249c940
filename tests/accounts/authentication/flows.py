"""People and their browsers for the tests of account flows."""

from __future__ import annotations

from typing import Any

from accounts.models import Membership, User
from accounts.organizations import provisioning
from accounts.permissions.roles import Role
from tests.support.mails import MailingClient
from tests.support.people import make_organization

PASSWORD = "quiet otters dance at noon"
OTHER_PASSWORD = "seven brass kettles sing low"


def make_person(email: str = "ann@example.com", **fields: Any) -> User:
    """With a proven address, and a place as an owner."""
    user = provisioning.person(email=email, password=PASSWORD, name="Ann")
    for name, value in fields.items():
        setattr(user, name, value)
    user.save()
    Membership.objects.create(organization=make_organization(), user=user, role=Role.OWNER)
    return user


def sign_up_on_page(browser: MailingClient, email: str = "new@example.com", **values: str) -> Any:
    form = {"email": email, "name": "Nora", "password": PASSWORD, "organization": "Kettles"} | values
    return browser.post("/accounts/signup/", form)


def sign_in(browser: MailingClient, email: str = "ann@example.com", password: str = PASSWORD) -> Any:
    return browser.post("/accounts/login/", {"login": email, "password": password})


def is_signed_in(browser: MailingClient) -> bool:
    return browser.get("/settings/tokens/").status_code == 200


def login_json(browser: MailingClient, email: str, password: str = PASSWORD, **more: str) -> Any:
    return browser.send_json("/v1/auth/login", {"email": email, "password": password} | more)
