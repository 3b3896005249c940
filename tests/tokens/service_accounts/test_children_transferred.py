"""What a token created goes to the recipient of the token."""

from __future__ import annotations

import re

import pytest

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tests.support.team import changes
from tokens.lifecycle import member_removal
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
MAKER = ["tokens.manage", "clients.manage", "index:read:*"]


@pytest.fixture
def ada(owner: Membership) -> Membership:
    return make_member(owner.organization, Role.ADMIN)


@pytest.fixture
def parent(ada: Membership) -> Issued:
    return make_token(ada, "parent", MAKER)


def child_of(bearer: Issued | str, name: str) -> tuple[ServiceAccountToken, str]:
    wish = {"name": name, "permissions": MAKER, "expiresInDays": None}
    answer = program(bearer).post("/api/v1/tokens", wish)
    assert answer.status_code == 201, answer.content
    return ServiceAccountToken.objects.get(name=name), answer.json()["token"]


def client_of(bearer: Issued | str, name: str) -> OAuthClient:
    assert program(bearer).post("/api/v1/clients", {"name": name, "scopes": MAKER}).status_code == 201
    return OAuthClient.objects.get(name=name)


def test_all_descendants_go_with_a_token(owner: Membership, ada: Membership, parent: Issued) -> None:
    child, plaintext = child_of(parent, "child")
    grandchild, _ = child_of(plaintext, "grandchild")
    client = client_of(plaintext, "client")
    member_removal.remove(actor=actor(owner), member_id=ada.pk, transfers={parent.token.pk: owner.pk})
    for one in (child, grandchild, client):
        one.refresh_from_db()
        assert one.responsible_id == owner.pk
    assert (child.revoked_at, grandchild.revoked_at, client.deleted_at) == (None, None, None)
    assert len(changes(owner.organization, "token.transferred")) == 3
    assert len(changes(owner.organization, "client.transferred")) == 1


def test_a_child_may_go_to_another_recipient(owner: Membership, ada: Membership, parent: Issued) -> None:
    child, _ = child_of(parent, "child")
    grace = make_member(owner.organization, Role.ADMIN)
    wanted = {parent.token.pk: owner.pk, child.pk: grace.pk}
    member_removal.remove(actor=actor(owner), member_id=ada.pk, transfers=wanted)
    child.refresh_from_db()
    assert (child.responsible_id, child.revoked_at) == (grace.pk, None)


def test_a_child_alone_cannot_be_kept(owner: Membership, ada: Membership, parent: Issued) -> None:
    child, _ = child_of(parent, "child")
    client = client_of(parent, "client")
    with pytest.raises(APIError) as caught:
        member_removal.remove(
            actor=actor(owner),
            member_id=ada.pk,
            transfers={child.pk: owner.pk},
            clients={client.pk: owner.pk},
        )
    assert caught.value.error is errors.INVALID_REQUEST
    sentence = "{} ends with the token parent, which created it: transfer that token as well."
    assert caught.value.extra["fields"] == {
        f"transferTokens.{child.public_id}": [sentence.format("child")],
        f"transferClients.{client.public_id}": [sentence.format("client")],
    }
    assert Membership.objects.filter(pk=ada.pk).exists()


def test_a_lowered_role_may_hand_a_child_over_alone(
    owner: Membership, ada: Membership, parent: Issued
) -> None:
    child, _ = child_of(parent, "child")
    member_removal.change(actor=actor(owner), member_id=ada.pk, transfers={child.pk: owner.pk})
    child.refresh_from_db()
    parent.token.refresh_from_db()
    assert (child.responsible_id, parent.token.responsible_id) == (owner.pk, ada.pk)


def test_the_removal_page_says_what_goes_with_what(
    owner: Membership, ada: Membership, parent: Issued
) -> None:
    child_of(parent, "child")
    client_of(parent, "the-client")
    page = browser_of(owner.user).get(f"/settings/members/{ada.public_id}/remove/").content.decode()
    assert "Created by parent, and ends or moves with it" in page
    assert "the-client (by parent)" in page
    assert "belong to the organization and stay" not in page


def test_the_removal_page_offers_a_token_and_what_it_created_goes_with_it(
    owner: Membership, ada: Membership, parent: Issued
) -> None:
    other = make_token(ada, "other").token
    child, plaintext = child_of(parent, "child")
    grandchild, _ = child_of(plaintext, "grandchild")
    client = client_of(parent, "the-client")
    program(plaintext).get("/api/v1/usage")
    browser, url = browser_of(owner.user), f"/settings/members/{ada.public_id}/remove/"
    page = browser.get(url).content.decode()
    names = re.findall(r'<th scope="row">(?:<a[^>]*>)?([\w-]+)', page)
    assert names == ["other", "parent", "child", "grandchild", "the-client"]
    boxes = dict(re.findall(r'type="checkbox" name="\w+" value="(\w+)" autocomplete="off"( checked)?', page))
    # The child was used just now, and is kept with its parent.
    assert boxes == {other.public_id: "", parent.token.public_id: " checked"}
    assert page.count("Goes with parent<") == 2
    browser.post(url, {"token": [parent.token.public_id], "recipient": owner.public_id})
    for one in (child, grandchild, client):
        one.refresh_from_db()
        assert one.responsible_id == owner.pk


def test_a_form_that_keeps_a_child_alone_is_shown_again_as_it_was_sent(
    owner: Membership, ada: Membership, parent: Issued
) -> None:
    child, _ = child_of(parent, "child")
    other = make_token(ada, "other").token
    recipient = make_member(owner.organization, Role.ADMIN)
    form = {"token": [child.public_id, other.public_id], "recipient": recipient.public_id}
    answer = browser_of(owner.user).post(f"/settings/members/{ada.public_id}/remove/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "child ends with the token parent, which created it: transfer that token as well." in page
    assert f'value="{other.public_id}" autocomplete="off" checked' in page
    assert f'<option value="{recipient.public_id}" selected>' in page
