"""Organizations, people and tokens for tests, made in one call each; every name is new unless given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.authorization.rights import actor_of
from accounts.models import Membership, Organization, User
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.proof import Factor, proven
from ratelimit.models import Plan
from tokens.service_accounts.issue import Issued, issue

PASSWORD = "a-long-enough-passphrase"
_numbers = count(1)


def make_plan(slug: str = "free", requests_per_day: int | None = 100) -> Plan:
    """The plan of the slug; a transactional test finds the table empty."""
    return Plan.objects.get_or_create(
        slug=slug, defaults={"name": slug, "requests_per_day": requests_per_day}
    )[0]


def make_organization(name: str = "", **fields: Any) -> Organization:
    name = name or f"Organization {next(_numbers)}"
    fields.setdefault("plan", make_plan())
    return Organization.objects.create(name=name, slug=f"organization-{next(_numbers)}", **fields)


def make_user(email: str = "", **fields: Any) -> User:
    return User.objects.create_user(email or f"person{next(_numbers)}@example.com", PASSWORD, **fields)


def make_member(
    organization: Organization | None = None, role: str = Role.OWNER, user: User | None = None, **fields: Any
) -> Membership:
    return Membership.objects.create(
        organization=organization or make_organization(), user=user or make_user(), role=role, **fields
    )


def actor(member: Membership) -> Actor:
    """The member as the database has it now, in a session that has just begun by password."""
    found = Membership.objects.select_related("organization", "user").get(pk=member.pk)
    return actor_of(found, proven(Factor.PASSWORD))


def make_token(
    member: Membership,
    name: str = "",
    permissions: Sequence[str] = ("index:read:*",),
    expires_in_days: int | None = 90,
    **how: Any,
) -> Issued:
    """Issued as the member would."""
    return issue(
        actor=actor(member),
        name=name or f"token {next(_numbers)}",
        permissions=permissions,
        expires_in_days=expires_in_days,
        **how,
    )


def browser_of(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def fresh_browser_of(user: User) -> Client:
    """The same, for a person who has proven just now that it is them."""
    client = browser_of(user)
    proving(client, user, method="password")
    return client


def proving(client: Client, user: User, **record: Any) -> None:
    """Add a record to the session of the browser, as allauth keeps them."""
    session = client.session
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [*records, {"at": time.time()} | record]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def make_staff(*permissions: str) -> Client:
    """The browser of a staff member who is no superuser: ``make_staff("accounts.view_user")``."""
    user = make_user(is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return browser_of(user)
