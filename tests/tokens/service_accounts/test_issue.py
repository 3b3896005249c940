"""Making a token: the cap, names, expiry, and permissions that the actor may not grant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from accounts.organizations.update import change
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.roles import Role
from tests.support.people import actor, make_member, make_organization, make_token
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.issue import issue
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
LIMIT = settings.ACTIVE_TOKENS_PER_ORGANIZATION


def credential(plaintext: str) -> Credential:
    found = token_lookup.authenticate_token(plaintext)
    assert isinstance(found, Credential)
    return found


def test_a_token_is_kept_as_its_digest_and_its_last_four_characters(owner: Membership) -> None:
    issued = make_token(owner, "ci", ["index:read:*", "analytics.view"], 30, description="Nightly")
    secret = TokenSecret.objects.get(token=issued.token)
    assert bytes(secret.digest) == opaque.digest(issued.plaintext)
    assert issued.plaintext.startswith(secret.prefix)
    assert issued.plaintext.endswith(secret.last_four)
    token = ServiceAccountToken.objects.get(pk=issued.token.pk)
    assert (token.name, token.description, token.created_by) == ("ci", "Nightly", owner.user)
    assert token.responsible == owner
    assert token.expires_at == token.created_at + timedelta(days=30)
    assert token.permissions == ["index:read:*", "analytics.view"]


def test_a_permission_asked_for_twice_is_granted_once(owner: Membership) -> None:
    assert make_token(owner, permissions=["index:read:*"] * 2).token.permissions == ["index:read:*"]


def test_the_fifty_first_active_token_is_refused(owner: Membership) -> None:
    for _ in range(LIMIT):
        make_token(owner)
    with pytest.raises(APIError) as refused:
        make_token(owner)
    assert refused.value.error is errors.TOKEN_LIMIT_REACHED
    assert refused.value.extra == {"limit": 50}
    make_token(make_member())


def test_a_revoked_or_expired_token_frees_its_place(owner: Membership) -> None:
    month_ago = timezone.now() - timedelta(days=30)
    make_token(owner, "expired", expires_in_days=30, now=month_ago)
    for _ in range(LIMIT - 1):
        make_token(owner)
    last = make_token(owner)
    with pytest.raises(APIError):
        make_token(owner)
    revoke(token=last.token, actor=actor(owner))
    make_token(owner)


def test_a_removed_members_token_frees_its_place(owner: Membership) -> None:
    gone = make_member(owner.organization, Role.ADMIN)
    for _ in range(LIMIT):
        make_token(gone)
    gone.delete()
    make_token(owner)


def test_two_active_tokens_of_an_organization_never_share_a_name(owner: Membership) -> None:
    first = make_token(owner, "ci")
    with pytest.raises(APIError) as refused:
        make_token(owner, "ci")
    assert refused.value.extra == {"fields": {"name": ["An active token of this name exists already."]}}
    make_token(make_member(), "ci")
    revoke(token=first.token, actor=actor(owner))
    make_token(owner, "ci")


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
def test_a_token_lives_one_to_365_days(owner: Membership, days: int) -> None:
    with pytest.raises(APIError) as refused:
        make_token(owner, expires_in_days=days)
    assert refused.value.extra == {"fields": {"expiresInDays": ["A token may be valid for 1 to 365 days."]}}


@pytest.mark.parametrize("days", [1, 365])
def test_both_ends_of_the_range_are_allowed(owner: Membership, days: int) -> None:
    assert make_token(owner, expires_in_days=days).token.expires_at is not None


def test_a_token_may_never_expire_unless_the_policy_forbids_it(owner: Membership) -> None:
    assert make_token(owner, expires_in_days=None).token.expires_at is None
    change(actor=actor(owner), never_expiring_allowed=False)
    with pytest.raises(APIError) as refused:
        make_token(owner, expires_in_days=None)
    assert list(refused.value.extra["fields"]) == ["expiresInDays"]


@pytest.mark.parametrize(
    "asked",
    ["*:*:*", "*:read:*", "tokens:*:*", "members.manage", "index:admin:*", "account:read:*", "index:*:shop"],
)
def test_nobody_grants_what_they_do_not_hold(owner: Membership, asked: str) -> None:
    maker = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    with pytest.raises(APIError) as refused:
        make_token(maker, permissions=["index:read:*", asked])
    assert refused.value.error is errors.INSUFFICIENT_SCOPE
    assert refused.value.extra == {"required": [asked]}


@pytest.mark.parametrize(
    "asked", ["index:read:*", "index:read:shop-12", "index:write:shop-12", "tokens.view"]
)
def test_what_a_role_covers_may_be_granted(owner: Membership, asked: str) -> None:
    maker = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    assert make_token(maker, permissions=[asked]).token.permissions == [asked]


@pytest.mark.parametrize(
    "asked", ["nothing.view", "index:fly:*", "*:fly:*", "index", "", "index:read", "a b.c"]
)
def test_a_permission_that_does_not_exist_is_a_field_error(owner: Membership, asked: str) -> None:
    with pytest.raises(APIError) as refused:
        make_token(owner, permissions=[asked])
    assert refused.value.error is errors.INVALID_REQUEST
    assert refused.value.extra == {"fields": {"permissions": [f"There is no permission {asked}."]}}


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_a_member_and_a_viewer_cannot_create_a_token(role: Role) -> None:
    with pytest.raises(APIError) as refused:
        make_token(make_member(role=role))
    assert refused.value.extra == {"required": ["tokens.manage"]}


def test_a_token_grants_no_more_than_itself_and_names_the_same_responsible_member(owner: Membership) -> None:
    maker = credential(make_token(owner, permissions=["tokens.manage", "index:read:*"]).plaintext)
    made = issue(actor=maker, name="child", permissions=["index:read:*"], expires_in_days=1)
    assert made.token.responsible == owner
    with pytest.raises(APIError) as refused:
        issue(actor=maker, name="grown", permissions=["index:write:*"], expires_in_days=1)
    assert refused.value.extra == {"required": ["index:write:*"]}


def test_rights_are_read_again_under_the_lock(owner: Membership) -> None:
    maker = make_member(owner.organization, Role.ADMIN)
    before = actor(maker)
    maker.role = Role.VIEWER
    maker.save()
    with pytest.raises(APIError) as refused:
        issue(actor=before, name="late", permissions=["index:read:*"], expires_in_days=1)
    assert refused.value.error is errors.INSUFFICIENT_SCOPE
    maker.delete()
    with pytest.raises(APIError) as refused:
        issue(actor=before, name="later", permissions=["index:read:*"], expires_in_days=1)
    assert refused.value.error is errors.TOKEN_REVOKED


def test_a_revoked_token_makes_no_other(owner: Membership) -> None:
    issued = make_token(owner, permissions=["tokens.manage"])
    maker = credential(issued.plaintext)
    revoke(token=issued.token, actor=actor(owner))
    with pytest.raises(APIError) as refused:
        issue(actor=maker, name="late", permissions=["tokens.view"], expires_in_days=1)
    assert refused.value.error is errors.TOKEN_REVOKED


def strangers() -> list[Actor]:
    member = actor(make_member())
    return [
        SYSTEM,
        replace(member, organization_id=make_organization().pk),
        replace(member, membership_id=None),
    ]


def test_nobody_issues_for_an_organization_they_are_not_in() -> None:
    for stranger in strangers():
        with pytest.raises(APIError) as refused:
            issue(actor=stranger, name="x", permissions=["index:read:*"], expires_in_days=1)
        assert refused.value.error is errors.TOKEN_REVOKED


def test_a_deleted_organizations_member_is_refused(owner: Membership) -> None:
    before = actor(owner)
    owner.organization.delete()
    with pytest.raises(APIError) as refused:
        issue(actor=before, name="x", permissions=["index:read:*"], expires_in_days=1)
    assert refused.value.error is errors.TOKEN_REVOKED
