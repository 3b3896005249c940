"""What a former responsible member still knows is marked until it is rotated, and mailed about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.members import removal
from accounts.models import Membership, User
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.clients import program as api_of
from tests.support.people import actor, browser_of, make_member, make_token, make_user
from tests.support.sessions import session_of
from tests.support.team import changes
from tests.tokens.oauth.calls import Program, make_program
from tokens.lifecycle import member_removal
from tokens.models import ClientSecret, TokenSecret
from tokens.oauth import clients
from tokens.service_accounts.rotation import rotate

pytestmark = pytest.mark.django_db
LABEL = "Known to a former member: rotate"
TOKEN_LABEL = "Known to a former member or program: rotate"


@pytest.fixture
def grace(owner: Membership) -> Membership:
    member = make_member(owner.organization, Role.ADMIN, make_user("grace@example.com", name="Grace"))
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


def known(owner: Membership, program: Program) -> dict[str, str] | None:
    body = session_of(owner).get(f"/api/v1/clients/{program.id}").json()
    found: dict[str, str] | None = body["knownToFormerMember"]
    return found


def remove(owner: Membership, grace: Membership) -> None:
    member_removal.remove(actor=actor(owner), member_id=grace.pk)


def leave(owner: Membership, grace: Membership) -> None:
    member_removal.remove(actor=actor(grace), member_id=grace.pk)


def remove_by_staff(owner: Membership, grace: Membership) -> None:
    removal.remove(memberships=Membership.objects.filter(pk=grace.pk), actor=SYSTEM)


def deactivate(owner: Membership, grace: Membership) -> None:
    removal.deactivate(users=User.objects.filter(pk=grace.user_id), actor=SYSTEM)


def delete(owner: Membership, grace: Membership) -> None:
    removal.delete_people(users=User.objects.filter(pk=grace.user_id), actor=SYSTEM)


@pytest.mark.parametrize("end", [remove, leave, remove_by_staff, deactivate, delete])
def test_a_client_is_marked_whichever_way_the_member_goes(
    owner: Membership,
    grace: Membership,
    end: Callable[[Membership, Membership], None],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    hers, other = make_program(grace, name="hers"), make_program(owner, name="other")
    with django_capture_on_commit_callbacks(execute=True):
        end(owner, grace)
    found = known(owner, hers)
    assert found is not None
    assert found["name"] == "Grace"
    assert known(owner, other) is None
    hers.grant()
    assert changes(owner.organization, "client.secret_known") == [{"knownTo": "Grace"}]
    letters = [one for one in mail.outbox if one.to == [owner.user.email]]
    assert [one.subject for one in letters] == [
        f"Rotate the secrets of OAuth clients in {owner.organization.name}".replace(".", ".\u2060")
    ]
    assert "hers" in str(letters[0].body)
    assert "other" not in str(letters[0].body)


def test_a_rotated_secret_is_known_to_who_rotated_it(owner: Membership, grace: Membership) -> None:
    ada = make_member(owner.organization, Role.ADMIN)
    program = make_program(grace)
    clients.rotate_secret(client=program.row, actor=actor(ada))
    remove(owner, grace)
    assert known(owner, program) is None
    remove(owner, ada)
    assert known(owner, program) is not None


def test_rotating_ends_the_mark(owner: Membership, grace: Membership) -> None:
    program = make_program(grace)
    remove(owner, grace)
    assert LABEL in browser_of(owner.user).get(f"/settings/clients/{program.id}/").content.decode()
    assert LABEL in browser_of(owner.user).get("/settings/clients/").content.decode()
    session_of(owner).post(f"/api/v1/clients/{program.id}/rotate-secret", {"overlapSeconds": 60})
    assert known(owner, program) is None
    assert LABEL not in browser_of(owner.user).get(f"/settings/clients/{program.id}/").content.decode()


def test_a_transferred_token_is_marked_and_its_recipient_is_mailed(
    owner: Membership,
    grace: Membership,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ada = make_member(owner.organization, Role.ADMIN, make_user("ada@example.com"))
    token, own = make_token(grace, "orders").token, make_token(owner, "own").token
    with django_capture_on_commit_callbacks(execute=True):
        member_removal.remove(actor=actor(owner), member_id=grace.pk, transfers={token.pk: ada.pk})
    read = session_of(owner).get
    assert read(f"/api/v1/tokens/{token.public_id}").json()["knownToFormerMember"]["name"] == "Grace"
    assert read(f"/api/v1/tokens/{own.public_id}").json()["knownToFormerMember"] is None
    browser = browser_of(owner.user)
    assert TOKEN_LABEL in browser.get(f"/settings/tokens/{token.public_id}/").content.decode()
    assert browser.get("/settings/tokens/").content.decode().count(TOKEN_LABEL) == 1
    [email] = [one for one in mail.outbox if one.to == ["ada@example.com"]]
    assert f"/settings/tokens/{token.public_id}/" in str(email.body)
    assert "Grace may still know the secrets" in str(email.body)


@pytest.mark.parametrize("end", [remove, leave, remove_by_staff, deactivate, delete])
def test_a_token_that_a_former_member_rotated_is_marked(
    owner: Membership,
    grace: Membership,
    end: Callable[[Membership, Membership], None],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    by_hand, by_program, other = (make_token(owner, name).token for name in ("first", "second", "other"))
    rotate(token=by_hand, actor=actor(grace))
    api = api_of(make_token(grace, permissions=["tokens:manage:*", "index:read:*"]))
    assert api.post(f"/api/v1/tokens/{by_program.public_id}/rotate", {}).status_code == 201
    with django_capture_on_commit_callbacks(execute=True):
        end(owner, grace)
    pages = [session_of(owner).get(f"/api/v1/tokens/{one.public_id}") for one in (by_hand, by_program, other)]
    marks = [page.json()["knownToFormerMember"] for page in pages]
    assert [mark and mark["name"] for mark in marks] == ["Grace", "Grace", None]
    assert changes(owner.organization, "token.secret_known") == [
        {"knownTo": "Grace", "lastFour": page.json()["lastFour"]} for page in pages[:2]
    ]
    [email] = [one for one in mail.outbox if one.to == [owner.user.email] and "Rotate" in one.subject]
    assert [name in str(email.body) for name in ("first", "second", "other")] == [True, True, False]


def test_a_secret_that_is_no_longer_valid_is_not_marked(owner: Membership, grace: Membership) -> None:
    token = make_token(owner).token
    rotate(token=token, actor=actor(grace), overlap_seconds=0)
    rotate(token=token, actor=actor(owner), overlap_seconds=0)
    remove(owner, grace)
    assert not TokenSecret.objects.exclude(known_since=None).exists()
    assert changes(owner.organization, "token.secret_known") == []


def test_a_token_is_marked_while_the_known_secret_still_works(owner: Membership, grace: Membership) -> None:
    token = make_token(grace).token
    member_removal.remove(actor=actor(owner), member_id=grace.pk, transfers={token.pk: owner.pk})
    api, url = session_of(owner), f"/api/v1/tokens/{token.public_id}"
    api.post(f"{url}/rotate", {"overlapSeconds": 60})
    assert api.get(url).json()["knownToFormerMember"]["name"] == "Grace"
    api.post(f"{url}/rotation/finish", {})
    assert api.get(url).json()["knownToFormerMember"] is None


def test_nobody_hands_over_their_own_on_leaving(owner: Membership, grace: Membership) -> None:
    token, program = make_token(grace).token, make_program(grace)
    session = session_of(grace)
    for body in (
        {"transferTokens": {token.public_id: owner.public_id}},
        {"transferClients": {program.id: owner.public_id}},
    ):
        for call in (session.delete, session.patch):
            response = call(f"/api/v1/members/{grace.public_id}", body)
            assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    page = browser_of(grace.user).get("/settings/members/leave/").content.decode()
    assert 'name="recipient"' not in page
    assert Membership.objects.filter(pk=grace.pk).exists()


def test_a_client_is_taken_over_with_its_responsibility(owner: Membership, grace: Membership) -> None:
    program = make_program(grace, scopes=["index:read:*"])
    body = {"transferClients": {program.id: owner.public_id}}
    response = session_of(owner).delete(f"/api/v1/members/{grace.public_id}", body)
    assert response.status_code == 204
    program.row.refresh_from_db()
    assert program.row.responsible_id == owner.pk
    assert known(owner, program) is not None
    [change] = changes(owner.organization, "client.transferred")
    assert change["responsible"][1].endswith(f"({owner.public_id})")


def test_a_recipient_who_may_less_than_the_client_is_refused(owner: Membership, grace: Membership) -> None:
    viewer = make_member(owner.organization, Role.VIEWER, permissions=["clients.manage"])
    program = make_program(grace, scopes=["index:write:*"])
    body = {"transferClients": {program.id: viewer.public_id}}
    response = session_of(owner).delete(f"/api/v1/members/{grace.public_id}", body)
    assert response.status_code == 400
    assert response.json()["fields"].keys() == {f"transferClients.{program.id}"}


def test_the_admin_shows_the_mark(staff: Client, owner: Membership, grace: Membership) -> None:
    program, token = make_program(grace), make_token(grace).token
    member_removal.remove(actor=actor(owner), member_id=grace.pk, transfers={token.pk: owner.pk})
    for name, pk in (("oauthclient", program.row.pk), ("serviceaccounttoken", token.pk)):
        page = staff.get(reverse(f"admin:tokens_{name}_change", args=[pk])).content.decode()
        assert "Grace, since" in page


def test_a_secret_remembers_who_was_shown_it(owner: Membership) -> None:
    program = make_program(owner)
    assert ClientSecret.objects.get(client=program.row).shown_to_id == owner.user_id
