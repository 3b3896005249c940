"""/accounts/invitations/<secret>/: the page that a mailed invitation leads to."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.members.invitations import Invited
from accounts.models import Membership, User
from accounts.permissions.roles import Role
from tests.support.people import PASSWORD, browser_of, make_member, make_user
from tests.support.team import make_invited, make_proven


@pytest.fixture
def invited(owner: Membership) -> Invited:
    owner.user.name = "Ada Lovelace"
    owner.user.save()
    return make_invited(owner, role=Role.ADMIN)


@pytest.fixture
def grace(db: None) -> User:
    return make_proven("grace@example.com")


def path(invited: Invited) -> str:
    return f"/accounts/invitations/{invited.secret}/"


def test_anybody_with_the_link_sees_who_invites_to_what(client: Client, invited: Invited) -> None:
    response = client.get(path(invited))
    page = response.content.decode()
    for text in ("Ada Lovelace", invited.invitation.organization.name, "as admin", "grace@example.com"):
        assert text in page
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert invited.secret not in page


def test_looking_uses_nothing_up(client: Client, invited: Invited, grace: User) -> None:
    for _ in range(3):
        assert client.get(path(invited)).status_code == 200
        assert client.post(path(invited)).status_code == 200
    assert not Membership.objects.filter(user=grace).exists()


def test_a_person_signs_in_by_it_and_joins(client: Client, invited: Invited, grace: User) -> None:
    page = client.get(path(invited)).content.decode()
    sign_in = "/accounts/login/?next=/accounts/invitations/"
    assert sign_in in page
    form = {"login": grace.email, "password": PASSWORD, "next": "/accounts/invitations/"}
    entered = client.post(sign_in, form)
    assert entered["Location"] == "/accounts/invitations/"
    assert client.get(entered["Location"])["Location"] == path(invited)
    joined = client.post(path(invited), follow=True).content.decode()
    assert f"You have joined {invited.invitation.organization.name}." in joined
    assert Membership.objects.get(user=grace).role == Role.ADMIN
    assert client.get(path(invited)).status_code == 410


def test_whoever_joins_works_in_the_new_organization_from_then_on(invited: Invited, grace: User) -> None:
    make_member(user=grace)
    browser = browser_of(grace)
    browser.post(path(invited))
    assert (
        f"A token acts for {invited.invitation.organization.name}"
        in browser.get("/settings/tokens/").content.decode()
    )


def test_another_account_is_told_in_a_sentence_and_may_sign_out(
    invited: Invited, caplog: pytest.LogCaptureFixture
) -> None:
    browser = browser_of(make_proven("mallory@example.com"))
    for response in (browser.get(path(invited)), browser.post(path(invited))):
        assert response.status_code == 403
        page = response.content.decode()
        assert "You are signed in as mallory@example.com, and the invitation is for another address." in page
    assert invited.secret not in caplog.text
    left = browser.post("/accounts/logout/", {"next": path(invited)})
    assert left["Location"] == path(invited)
    assert browser.get(path(invited)).status_code == 200


def test_an_unproven_address_is_to_be_confirmed_first(invited: Invited) -> None:
    browser = browser_of(make_user("grace@example.com"))
    response = browser.post(path(invited))
    assert response.status_code == 403
    assert "Confirm your e-mail address grace@example.com first" in response.content.decode()


def test_a_member_already_goes_on_with_the_same_role(
    owner: Membership, invited: Invited, grace: User
) -> None:
    make_member(owner.organization, Role.VIEWER, grace)
    browser = browser_of(grace)
    assert "Your role stays as it is." in browser.get(path(invited)).content.decode()
    browser.post(path(invited))
    assert Membership.objects.get(user=grace).role == Role.VIEWER


@pytest.mark.parametrize("secret", ["x", "x" * 43])
def test_what_never_was_and_what_is_over_are_told_in_the_same_words(
    client: Client, invited: Invited, grace: User, secret: str
) -> None:
    browser_of(grace).post(path(invited))
    over = client.get(path(invited))
    never = client.get(f"/accounts/invitations/{secret}/")
    assert (over.status_code, never.status_code) == (410, 404)
    assert over.content == never.content


def test_without_an_invitation_the_way_back_leads_home(owner: Membership) -> None:
    response = browser_of(owner.user).get("/accounts/invitations/")
    assert response["Location"] == "/settings/tokens/"


def test_signing_up_by_it_joins(client: Client, invited: Invited) -> None:
    client.get(path(invited))
    page = client.get("/accounts/signup/").content.decode()
    assert f"Join {invited.invitation.organization.name}" in page
    form = {"name": "Grace", "email": "grace@example.com", "password": "quiet otters dance at noon"}
    assert client.post("/accounts/signup/", form).status_code == 302
    assert Membership.objects.get(user__email="grace@example.com").role == Role.ADMIN
