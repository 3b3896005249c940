"""The end of every credential of one organization, in one call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership
from accounts.roles import Role
from tests.clients import program
from tests.people import make_member, make_token
from tests.sessions import opened
from tests.tokens.oauth import make_program, whoami
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
URL = "/api/v1/organization/revoke-all"


def test_everything_of_the_organization_ends_and_is_counted(owner: Membership, api: APIClient) -> None:
    importer = make_program(owner)
    member = make_member(owner.organization, Role.VIEWER)
    tokens = [
        make_token(owner).plaintext,
        importer.grant()["access_token"],
        importer.grant()["access_token"],
        opened(owner).access_token,
        opened(member).access_token,
        opened(member).access_token,
    ]
    make_token(owner, expires_in_days=1, now=timezone.now() - timedelta(days=2))
    others = [make_token(make_member()).plaintext, make_program().grant()["access_token"]]
    response = api.post(URL)
    # The caller's own token is the second one.
    assert (response.status_code, response.json()) == (200, {"tokens": 2, "clientGrants": 2, "sessions": 3})
    assert {whoami(token).json()["code"] for token in tokens} == {"token_revoked"}
    assert {whoami(token).status_code for token in others} == {200}
    assert api.post(URL).status_code == 401
    reasons = ServiceAccountToken.objects.exclude(revoked_at=None).values_list("revoked_reason", flat=True)
    assert set(reasons) == {"All credentials of the organization were revoked"}


def test_clients_and_people_may_start_anew(owner: Membership, api: APIClient) -> None:
    importer = make_program(owner)
    api.post(URL)
    assert whoami(importer.grant()["access_token"]).status_code == 200
    assert whoami(opened(owner).access_token).status_code == 200


@pytest.mark.parametrize("permissions", [["organization.view"], ["tokens.manage", "clients.manage"]])
def test_only_who_manages_the_organization_may_do_it(owner: Membership, permissions: list[str]) -> None:
    token = make_token(owner, permissions=permissions).plaintext
    response = program(token).post(URL)
    assert (response.status_code, response.json()["required"]) == (403, ["organization.manage"])
    assert whoami(token).status_code == 200


def test_a_session_and_a_client_may_do_it_within_their_rights(owner: Membership) -> None:
    importer = make_program(owner, scopes=["organization.manage"])
    assert program(importer.grant()["access_token"]).post(URL).status_code == 200
    assert program(opened(owner).access_token).post(URL).json()["sessions"] == 1
    viewer = make_member(owner.organization, Role.VIEWER)
    assert program(opened(viewer).access_token).post(URL).status_code == 403
