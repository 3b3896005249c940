"""Settings → Members: inviting, sending again, taking back, and handing the organization over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Invitation, Membership
from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_member, make_user
from tests.support.team import fresh_browser, make_invited, trail

PAGE = "/settings/members/"
INVITE = f"{PAGE}invite/"
TRANSFER = f"{PAGE}transfer-ownership/"


def html(browser: Client, path: str = PAGE) -> str:
    response = browser.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_an_invitation_is_made_and_stands_in_the_list(owner: Membership) -> None:
    browser = fresh_browser(owner)
    response = browser.post(INVITE, {"email": "Grace@Example.com", "role": "admin"}, follow=True)
    page = response.content.decode()
    assert "The invitation of grace@example.com is saved, but not sent yet." in page
    assert "Pending" in page
    assert Invitation.objects.get().role == Role.ADMIN


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "", "role": "member"}, "Give an e-mail address."),
        ({"email": "x", "role": "member"}, "This is not an e-mail address."),
        ({"email": "a@example.com", "role": "king"}, "Choose a role."),
    ],
)
def test_a_mistake_is_told_beside_its_field(owner: Membership, form: dict[str, str], sentence: str) -> None:
    response = browser_of(owner.user).post(INVITE, form)
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    assert f'value="{form["email"]}"' in page


def test_a_member_already_is_told_so(owner: Membership) -> None:
    response = browser_of(owner.user).post(INVITE, {"email": owner.user.email, "role": "member"})
    assert "This person is a member already." in response.content.decode()


def test_an_admin_is_offered_no_owner_and_gets_none(owner: Membership) -> None:
    browser = fresh_browser(make_member(owner.organization, Role.ADMIN))
    assert '<option value="owner"' not in html(browser)
    response = browser.post(INVITE, {"email": "grace@example.com", "role": "owner"})
    assert "This takes the role owner." in response.content.decode()
    assert not Invitation.objects.exists()


def test_enough_mails_are_enough(owner: Membership) -> None:
    browser = browser_of(owner.user)
    for _ in range(3):
        browser.post(INVITE, {"email": "grace@example.com", "role": "member"})
    response = browser.post(INVITE, {"email": "grace@example.com", "role": "member"})
    assert "Enough mails were sent for now." in response.content.decode()


def test_one_is_sent_again_and_taken_back(owner: Membership) -> None:
    one = make_invited(owner).invitation
    Invitation.objects.filter(pk=one.pk).update(expires_at=timezone.now() - timedelta(days=1))
    browser = browser_of(owner.user)
    assert "Expired" in html(browser)
    sent = browser.post(f"{PAGE}invitations/{one.public_id}/resend/", follow=True).content.decode()
    assert "The invitation of grace@example.com is saved, but not sent yet." in sent
    assert "Pending" in sent
    gone = browser.post(f"{PAGE}invitations/{one.public_id}/revoke/", follow=True).content.decode()
    assert "The invitation of grace@example.com was revoked." in gone
    assert "Invitations</h2>" not in gone
    again = browser.post(f"{PAGE}invitations/{one.public_id}/resend/", follow=True).content.decode()
    assert "The invitation is no longer valid." in again


def test_a_link_is_on_no_page(owner: Membership) -> None:
    secret = make_invited(owner).secret
    assert secret not in html(browser_of(owner.user))


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_only_look_sees_why_and_changes_nothing(owner: Membership, role: Role) -> None:
    one = make_invited(owner).invitation
    browser = browser_of(make_member(owner.organization, role).user)
    page = html(browser)
    assert f"As {role} you can look at members." in page
    assert "Invite a member" not in page
    assert page.count('disabled aria-describedby="why-not"') == 3
    for path in (
        INVITE,
        f"{PAGE}invitations/{one.public_id}/resend/",
        f"{PAGE}invitations/{one.public_id}/revoke/",
        f"{PAGE}{owner.public_id}/role/",
        f"{PAGE}{owner.public_id}/remove/",
    ):
        form = {"email": "x@example.com", "role": "viewer"}
        assert browser.post(path, form).status_code == 403
    assert Invitation.objects.get().revoked_at is None


def test_an_admin_sees_owners_out_of_reach(owner: Membership) -> None:
    browser = browser_of(make_member(owner.organization, Role.ADMIN).user)
    assert html(browser).count('disabled aria-describedby="why-above"') == 2
    assert browser.get(f"{PAGE}{owner.public_id}/remove/").status_code == 403
    assert browser.get(TRANSFER).status_code == 403


def test_ownership_is_handed_over_by_a_person_who_proves_it(owner: Membership) -> None:
    recipient = make_member(owner.organization, Role.VIEWER, make_user(name="Grace"))
    stale = browser_of(owner.user).post(TRANSFER, {"member": recipient.public_id})
    assert stale.status_code == 302
    assert stale["Location"].startswith("/accounts/reauthenticate/")
    browser = fresh_browser(owner)
    assert browser.post(TRANSFER, {"member": ""}).status_code == 422
    page = browser.post(TRANSFER, {"member": recipient.public_id}, follow=True).content.decode()
    assert "Grace owns" in page
    assert [action for action, _, _ in trail(owner.organization)] == ["member.role_changed"] * 2
    owner.refresh_from_db()
    assert owner.role == Role.ADMIN
    assert settings.ACCOUNT_REAUTHENTICATION_TIMEOUT == 600


def test_a_strangers_ids_are_not_found(owner: Membership) -> None:
    stranger = make_member()
    theirs = make_invited(stranger).invitation
    browser = fresh_browser(owner)
    for path in (
        f"{PAGE}invitations/{theirs.public_id}/resend/",
        f"{PAGE}invitations/{theirs.public_id}/revoke/",
        f"{PAGE}invitations/inv_x/revoke/",
        f"{PAGE}{stranger.public_id}/role/",
        f"{PAGE}{stranger.public_id}/remove/",
    ):
        assert browser.post(path).status_code == 404
    assert browser.post(TRANSFER, {"member": stranger.public_id}).status_code == 404
