"""A suspended organization's tokens stop, and resume with it."""

from __future__ import annotations

from functools import partial

import pytest

from accounts import errors
from accounts.models import Membership, Organization
from accounts.organizations.update import resume, suspend
from accounts.permissions.actor import SYSTEM
from tests.support.clients import program
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.service_accounts.revoke import revoke


def test_its_tokens_stop_and_resume(owner: Membership) -> None:
    issued = make_token(owner)
    elsewhere = make_token(make_member())
    assert suspend(organization=owner.organization, actor=SYSTEM)
    assert token_lookup.authenticate_token(issued.plaintext) is errors.ORGANIZATION_SUSPENDED
    assert isinstance(token_lookup.authenticate_token(elsewhere.plaintext), Credential)
    assert resume(organization=owner.organization, actor=SYSTEM)
    assert isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)


def test_a_caller_is_told_so(owner: Membership) -> None:
    caller = program(make_token(owner))
    suspend(organization=owner.organization, actor=SYSTEM)
    response = caller.get("/api/v1/identity")
    assert response.status_code == 401
    assert response.json() == {"error": "API key has been revoked", "code": "organization_suspended"}


def test_a_token_revoked_meanwhile_stays_revoked(owner: Membership) -> None:
    issued = make_token(owner)
    suspend(organization=owner.organization, actor=SYSTEM)
    revoke(token=issued.token, actor=actor(owner))
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED
    resume(organization=owner.organization, actor=SYSTEM)
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED


def test_each_change_counts_one_generation_and_a_repeat_none(owner: Membership) -> None:
    done = [
        flow(organization=owner.organization, actor=SYSTEM) for flow in (suspend, suspend, resume, resume)
    ]
    assert done == [True, False, True, False]
    assert Organization.objects.get().generation == 2


def test_a_repeat_keeps_the_first_moment(owner: Membership) -> None:
    suspend(organization=owner.organization, actor=SYSTEM)
    first = Organization.objects.get().suspended_at
    suspend(organization=owner.organization, actor=SYSTEM)
    assert Organization.objects.get().suspended_at == first


@pytest.mark.django_db(transaction=True)
def test_parallel_suspensions_are_one() -> None:
    organization = make_member().organization
    done = at_once([partial(suspend, organization=organization, actor=SYSTEM)] * 10)
    assert sorted(map(str, done)) == ["False"] * 9 + ["True"]
    assert Organization.objects.get(pk=organization.pk).generation == 1
