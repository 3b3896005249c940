"""A token that a program creates ends no later than the program, and with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import errors
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tests.support.team import changes
from tests.tokens.oauth.calls import make_program
from tokens.credentials import token_lookup
from tokens.lifecycle import member_removal
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.oauth import clients
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import PARENT_REVOKED, revoke

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens"
MAKER = ["tokens.manage", "index:read:*"]


def child_of(bearer: str | Issued, name: str = "child", days: int | None = None) -> ServiceAccountToken:
    wish = {"name": name, "permissions": MAKER, "expiresInDays": days}
    response = program(bearer).post(TOKENS, wish)
    assert response.status_code == 201, response.content
    found = ServiceAccountToken.objects.get(name=name)
    # For a call as this token.
    found.plaintext = response.json()["token"]  # type: ignore[attr-defined]
    return found


def is_active(token: ServiceAccountToken) -> bool:
    return ServiceAccountToken.objects.active(timezone.now()).filter(pk=token.pk).exists()


def restricted(owner: Membership) -> Issued:
    return make_token(owner, permissions=MAKER, allowed_addresses=["127.0.0.0/8"], requests_per_day=50)


@pytest.mark.parametrize(
    ("wish", "addresses", "limit"),
    [
        ({}, ["127.0.0.0/8"], 50),
        ({"allowedAddresses": [], "requestsPerDay": None}, ["127.0.0.0/8"], 50),
        ({"allowedAddresses": ["127.0.0.1"], "requestsPerDay": 50}, ["127.0.0.1"], 50),
        ({"requestsPerDay": 49}, ["127.0.0.0/8"], 49),
    ],
)
def test_a_created_token_is_restricted_as_its_creator_or_more(
    owner: Membership, wish: dict[str, Any], addresses: list[str], limit: int
) -> None:
    body = {"name": "child", "permissions": MAKER} | wish
    child = program(restricted(owner)).post(TOKENS, body).json()
    assert (child["allowedAddresses"], child["requestsPerDay"]) == (addresses, limit)


def test_a_created_token_asks_for_nothing_wider_than_its_creator(owner: Membership) -> None:
    wish = {"allowedAddresses": ["127.0.0.1", "126.0.0.0/7", "::1"], "requestsPerDay": 51}
    body = {"name": "child", "permissions": MAKER} | wish
    refused = program(restricted(owner)).post(TOKENS, body)
    outside = "“{}” is outside the addresses of the token that creates this one."
    assert (refused.status_code, refused.json()["fields"]) == (
        400,
        {
            "allowedAddresses": [outside.format("126.0.0.0/7"), outside.format("::1")],
            "requestsPerDay": ["At most 50, the limit of the token that creates this one."],
        },
    )


@pytest.mark.parametrize("wish", [{"allowedAddresses": []}, {"requestsPerDay": None}])
def test_neither_a_token_nor_its_child_changes_what_restricts_it(
    owner: Membership, wish: dict[str, Any]
) -> None:
    parent = restricted(owner)
    address = f"{TOKENS}/{parent.token.public_id}"
    child = child_of(parent)
    for bearer in (parent.plaintext, child.plaintext):  # type: ignore[attr-defined]
        refused = program(bearer).patch(address, wish)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert program(bearer).patch(address, {"description": "x"}).status_code == 200
    assert program(make_token(owner, permissions=MAKER)).patch(address, wish).status_code == 200


@pytest.mark.parametrize(("days", "expected"), [(None, 1), (365, 1), (1, 1)])
def test_a_token_of_one_day_creates_none_that_lives_longer(
    owner: Membership, days: int | None, expected: int
) -> None:
    parent = make_token(owner, permissions=MAKER, expires_in_days=1)
    child = child_of(parent, days=days)
    assert child.expires_at == parent.token.expires_at
    with time_machine.travel(timezone.now() + timedelta(days=expected, minutes=1)):
        assert not is_active(child)


def test_a_shorter_life_stays_shorter(owner: Membership) -> None:
    parent = make_token(owner, permissions=MAKER, expires_in_days=90)
    child = child_of(parent, days=2)
    assert child.expires_at is not None
    assert child.expires_at < timezone.now() + timedelta(days=2, minutes=1)


def test_all_descendants_are_revoked_with_a_token(owner: Membership) -> None:
    parent, other = make_token(owner, permissions=MAKER), make_token(owner)
    child = child_of(parent)
    grandchild = child_of(child.plaintext, "grandchild")  # type: ignore[attr-defined]
    revoke(token=parent.token, actor=actor(owner), reason="leaked")
    for token in (child, grandchild):
        token.refresh_from_db()
        assert (token.revoked_at is not None, token.revoked_reason) == (True, PARENT_REVOKED)
    assert token_lookup.authenticate_token(child.plaintext) is errors.TOKEN_REVOKED  # type: ignore[attr-defined]
    assert is_active(other.token)
    reasons = [one["reason"] for one in changes(owner.organization, "token.revoked")]
    assert reasons == ["leaked", PARENT_REVOKED, PARENT_REVOKED]


def test_a_child_ends_with_its_parent_though_another_is_responsible(owner: Membership) -> None:
    ada, grace = (make_member(owner.organization, Role.ADMIN) for _ in range(2))
    parent = make_token(ada, permissions=MAKER)
    child = child_of(parent)
    ServiceAccountToken.objects.filter(pk=child.pk).update(responsible=grace)
    member_removal.remove(actor=actor(owner), member_id=ada.pk)
    assert not is_active(child)


@pytest.mark.parametrize("end", [clients.delete, clients.revoke_tokens])
def test_what_a_client_created_ends_with_it(owner: Membership, end: object) -> None:
    maker = make_program(owner, scopes=MAKER)
    child = child_of(maker.grant()["access_token"])
    assert child.parent_client_id == maker.row.pk
    end(client=maker.row, actor=actor(owner))  # type: ignore[operator]
    assert not is_active(child)


def test_one_that_a_person_creates_has_no_parent(owner: Membership) -> None:
    token = make_token(owner).token
    assert (token.parent_id, token.parent_client_id) == (None, None)


def test_the_record_names_the_parent(owner: Membership) -> None:
    parent, maker = make_token(owner, "parent", MAKER), make_program(owner, name="maker", scopes=MAKER)
    by_token, by_client = child_of(parent, "one"), child_of(maker.grant()["access_token"], "two")
    read = program(parent).get
    assert read(f"{TOKENS}/{by_token.public_id}").json()["parent"] == {
        "type": "token",
        "id": parent.token.public_id,
        "name": "parent",
    }
    assert read(f"{TOKENS}/{by_client.public_id}").json()["parent"] == {
        "type": "client",
        "id": maker.id,
        "name": "maker",
    }
    assert read(f"{TOKENS}/{parent.token.public_id}").json()["parent"] is None


def test_pages_show_what_a_token_created(owner: Membership) -> None:
    parent = make_token(owner, "parent", MAKER)
    child = child_of(parent, "the-child")
    browser = browser_of(owner.user)
    page = browser.get(f"/settings/tokens/{parent.token.public_id}/").content.decode()
    assert f'href="/settings/tokens/{child.public_id}/"' in page
    page = browser.get(f"/settings/tokens/{child.public_id}/").content.decode()
    assert f'href="/settings/tokens/{parent.token.public_id}/"' in page
    page = browser.get(f"/settings/tokens/{parent.token.public_id}/revoke/").content.decode()
    assert "the-child" in page


@pytest.mark.parametrize("kind", ["token", "client"])
def test_a_secret_that_a_program_received_by_a_rotation_is_marked_when_the_program_ends(
    owner: Membership, kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    rotated = make_token(owner, "rotated", MAKER).token
    make_token(owner, "other")
    rotator: Any = (
        make_token(owner, "rotator", MAKER)
        if kind == "token"
        else make_program(owner, name="rotator", scopes=MAKER)
    )
    bearer = rotator if kind == "token" else rotator.grant()["access_token"]
    assert program(bearer).post(f"{TOKENS}/{rotated.public_id}/rotate", {}).status_code == 201
    with django_capture_on_commit_callbacks(execute=True):
        if kind == "token":
            revoke(token=rotator.token, actor=actor(owner))
        else:
            clients.delete(client=rotator.row, actor=actor(owner))
    assert is_active(rotated)
    assert list(TokenSecret.objects.exclude(known_since=None).values_list("token", "known_to")) == [
        (rotated.pk, "rotator")
    ]
    assert [one["knownTo"] for one in changes(owner.organization, "token.secret_known")] == ["rotator"]
    [email] = [one for one in mail.outbox if "Rotate API tokens" in one.subject]
    assert (email.to, "other" in str(email.body)) == ([owner.user.email], False)


def test_a_secret_that_ends_with_the_program_is_not_marked(owner: Membership) -> None:
    parent = make_token(owner, "parent", [*MAKER, "tokens:rotate:self"])
    child = child_of(parent)
    for token in (child, parent.token):
        assert program(parent).post(f"{TOKENS}/{token.public_id}/rotate", {}).status_code == 201
    revoke(token=parent.token, actor=actor(owner))
    assert changes(owner.organization, "token.secret_known") == []
