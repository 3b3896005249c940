"""Django admin: staff look at invitations and take them back; links are nowhere to be seen."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Invitation, Membership
from tests.support.people import make_staff
from tests.support.team import make_invited, trail

LIST = "/admin/accounts/invitation/"


def revoke(browser: Client, *chosen: Invitation, **more: str) -> str:
    form = {"action": "revoke", "_selected_action": [one.pk for one in chosen]} | more
    return browser.post(LIST, form, follow=True).content.decode()


def test_they_are_listed_with_where_they_stand_and_without_their_links(
    staff: Client, owner: Membership
) -> None:
    invited = make_invited(owner)
    one = invited.invitation
    of_organization = f"{LIST}?organization={owner.organization.public_id}"
    for path in (LIST, f"{LIST}{one.pk}/change/", of_organization, f"{LIST}?q=grace"):
        page = staff.get(path).content.decode()
        assert "grace@example.com" in page
        assert "Pending" in page
        for secret in (invited.secret, bytes(one.mailed_claim.digest).hex()):
            assert secret not in page
    assert staff.get(f"{LIST}?mailed_claim__digest__startswith=a").status_code == 400


def test_revoking_asks_first_and_stands_in_the_organizations_log(staff: Client, owner: Membership) -> None:
    one = make_invited(owner).invitation
    assert "Their links stop working immediately." in revoke(staff, one)
    assert Invitation.objects.get().revoked_at is None
    assert "Revoked: 1." in revoke(staff, one, confirmed="yes")
    assert Invitation.objects.get().revoked_at is not None
    assert trail(owner.organization)[1:] == [("invitation.revoked", "staff", "grace@example.com")]


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nothing_is_added_or_deleted(staff: Client, owner: Membership, path: str) -> None:
    one = make_invited(owner).invitation
    assert staff.post(LIST + path.format(pk=one.pk), {"post": "yes"}).status_code == 403


def test_looking_is_not_revoking(owner: Membership) -> None:
    one = make_invited(owner).invitation
    revoke(make_staff("accounts.view_invitation"), one, confirmed="yes")
    assert Invitation.objects.get().revoked_at is None
