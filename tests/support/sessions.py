"""People who sign in to the API, and clients that carry their sessions."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, User
from accounts.permissions.roles import Role
from accounts.proof import Factor, proven
from tests.support.clients import program
from tests.support.people import PASSWORD, make_member, make_user
from tokens.grants import opening
from tokens.grants.token_pair import TokenPair
from tokens.models import GrantKind


def make_person(
    organization: Organization | None = None, role: str = Role.OWNER, email: str = "", **fields: Any
) -> Membership:
    """A member whose address is confirmed, so that they may sign in with PASSWORD."""
    return join(make_verified(email, **fields), organization, role)


def make_verified(email: str = "", **fields: Any) -> User:
    user = make_user(email, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def join(user: User, organization: Organization | None = None, role: str = Role.OWNER) -> Membership:
    member = make_member(organization, role, user)
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


def login(email: str, password: str = PASSWORD, client: Client | None = None, **body: Any) -> Any:
    """The response of the API's sign-in."""
    return (client or Client()).post(
        "/v1/auth/login", {"email": email, "password": password, **body}, content_type="application/json"
    )


def refresh(token: str) -> Any:
    return Client().post("/v1/auth/refresh", {"refresh_token": token}, content_type="application/json")


def opened(member: Membership, kind: GrantKind = GrantKind.SESSION, **how: Any) -> TokenPair:
    """A family of the member's, as any endpoint opens it: by password, or at a provider."""
    factor = Factor.PROVIDER if kind is GrantKind.SINGLE_SIGN_ON else Factor.PASSWORD
    how.setdefault("proof", proven(factor))
    return opening.open_for_member(membership=member, kind=kind, **how)


def session_of(member: Membership, kind: GrantKind = GrantKind.SESSION) -> APIClient:
    """A client that carries a new session of the member."""
    return program(opened(member, kind).access_token)
