"""Who may rotate a token, and what its rotation needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from allauth.core.exceptions import ReauthenticationRequired
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from accounts.proof import NOTHING_PROVEN
from tests.support.people import actor, make_member, make_token
from tests.tokens.service_accounts.rotating import itself, refusal, works
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts import rotation
from tokens.service_accounts.issue import AlreadyCreated, issue
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import cancel, finish, rotate

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)
EVERYTHING = ("*:*:*",)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_an_ended_token_is_not_rotated(owner: Membership, now: datetime) -> None:
    revoked, expired = make_token(owner), make_token(owner, expires_in_days=1, now=now)
    leaving = make_token(gone := make_member(owner.organization, Role.ADMIN))
    revoke(token=revoked.token, actor=actor(owner))
    gone.delete()
    for token in (revoked.token, expired.token, leaving.token):
        assert refusal(rotate, token=token, actor=actor(owner), now=now + DAY) is errors.TOKEN_NOT_ACTIVE


def test_a_paused_token_is_rotated(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    ServiceAccountToken.objects.update(paused_at=now)
    rotated = rotate(token=issued.token, actor=actor(owner), now=now)
    assert authenticate_token(rotated.plaintext, now) is errors.TOKEN_PAUSED


def test_a_suspended_organizations_token_is_not_rotated(owner: Membership) -> None:
    issued = make_token(owner)
    Organization.objects.update(suspended_at=timezone.now())
    assert refusal(rotate, token=issued.token, actor=actor(owner)) is errors.ORGANIZATION_SUSPENDED


def test_a_token_with_the_permission_rotates_and_renews_itself(owner: Membership, now: datetime) -> None:
    permissions = ["index:read:*", rotation.ROTATE_ITSELF]
    issued, other = (make_token(owner, permissions=permissions, expires_in_days=10) for _ in range(2))
    assert refusal(rotate, token=other.token, actor=itself(issued)) is errors.INSUFFICIENT_SCOPE
    rotated = rotate(token=issued.token, actor=itself(issued), expires_in_days=60, now=now)
    assert works(rotated.plaintext)
    assert rotated.token.expires_at == now + 60 * DAY
    for flow in (finish, cancel):
        assert refusal(flow, token=issued.token, actor=itself(rotated)) is errors.INSUFFICIENT_SCOPE


def test_a_token_without_the_permission_does_not_rotate_itself(owner: Membership) -> None:
    issued = make_token(owner)
    assert refusal(rotate, token=issued.token, actor=itself(issued)) is errors.INSUFFICIENT_SCOPE


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_rotating_needs_the_permission_to_manage_tokens(owner: Membership, role: Role) -> None:
    issued, other = make_token(owner), actor(make_member(owner.organization, role))
    for flow in (rotate, finish, cancel):
        assert refusal(flow, token=issued.token, actor=other) is errors.INSUFFICIENT_SCOPE


def test_only_holders_of_all_its_permissions_receive_a_tokens_secret(owner: Membership) -> None:
    issued = make_token(owner, permissions=["index:admin:*", "index:read:*"])
    manager = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    with pytest.raises(APIError) as refused:
        rotate(token=issued.token, actor=actor(manager))
    assert refused.value.extra == {"required": ["index:admin:*"]}


def test_a_person_proves_again_who_they_are(owner: Membership) -> None:
    issued = make_token(owner)
    with pytest.raises(ReauthenticationRequired):
        rotate(token=issued.token, actor=replace(actor(owner), proof=NOTHING_PROVEN))


def test_a_repeated_idempotency_key_makes_no_second_secret(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    arguments = {"token": issued.token, "actor": actor(owner), "idempotency_key": "k"}
    rotate(**arguments, now=now)
    with pytest.raises(AlreadyCreated) as earlier:
        rotate(**arguments, now=now + DAY - MOMENT)
    assert earlier.value.token == issued.token
    assert TokenSecret.objects.filter(token=issued.token).count() == 2
    rotate(**arguments, now=now + DAY)
    rotate(**arguments | {"token": make_token(owner).token}, now=now + DAY)


def test_a_secret_whose_overlap_has_ended_meanwhile_obtains_no_other(owner: Membership) -> None:
    """Its request was authenticated before, and waited for the organization's lock."""
    issued = make_token(owner, permissions=EVERYTHING)
    waiting = itself(issued)
    rotate(token=issued.token, actor=actor(owner), overlap_seconds=0)
    assert refusal(rotate, token=issued.token, actor=waiting) is errors.TOKEN_REVOKED
    arguments = {"name": "x", "permissions": ["index:read:*"], "expires_in_days": 1}
    assert refusal(issue, actor=waiting, **arguments) is errors.TOKEN_REVOKED
