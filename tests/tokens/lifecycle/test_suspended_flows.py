"""A suspended or deleted organization gets no new credential and no new member; what ends one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts import errors
from accounts.authorization.rights import SUSPENDED
from accounts.errors import APIError
from accounts.members import invitations
from accounts.members.invitations import Invited
from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from tests.support.people import actor, fresh_browser_of, make_member, make_token
from tests.support.team import make_invited, make_proven
from tests.tokens.oauth.calls import Program, make_program
from tokens.lifecycle import member_removal
from tokens.models import ClientSecret, ServiceAccountToken
from tokens.oauth import clients


@pytest.fixture
def importer(owner: Membership) -> Program:
    return make_program(owner)


@pytest.fixture
def invited(owner: Membership) -> Invited:
    return make_invited(owner)


# By name: what makes a credential or invites a person, called by an actor whose rights were read before.
FLOWS: dict[str, Callable[..., Any]] = {
    "token": lambda owner, importer, invited: make_token(owner),
    "client": lambda owner, importer, invited: make_program(owner),
    "secret": lambda owner, importer, invited: clients.rotate_secret(client=importer.row, actor=actor(owner)),
    "invitation": lambda owner, importer, invited: make_invited(owner, "ada@example.com"),
    "link": lambda owner, importer, invited: invitations.resend(
        actor=actor(owner), invitation=invited.invitation
    ),
}


@pytest.mark.parametrize(
    ("column", "error"),
    [("suspended_at", errors.ORGANIZATION_SUSPENDED), ("deleted_at", errors.TOKEN_REVOKED)],
)
@pytest.mark.parametrize("flow", FLOWS)
def test_no_flow_makes_a_credential_or_invites_a_person(owner, importer, invited, flow, column, error):
    Organization.objects.update(**{column: timezone.now()})
    with pytest.raises(APIError) as caught:
        FLOWS[flow](owner, importer, invited)
    assert caught.value.error is error


def test_an_invitation_is_not_accepted_until_the_organization_is_resumed(owner, invited):
    user = make_proven(invited.invitation.email)
    Organization.objects.update(suspended_at=timezone.now())
    with pytest.raises(APIError) as caught:
        invitations.accept(secret=invited.secret, user=user)
    assert caught.value.error is errors.INVITATION_GONE
    Organization.objects.update(suspended_at=None)
    assert invitations.accept(secret=invited.secret, user=user).organization == owner.organization


def test_a_member_is_removed_and_their_tokens_are_handed_over(owner):
    colleague = make_member(owner.organization, Role.ADMIN)
    token = make_token(colleague).token
    Organization.objects.update(suspended_at=timezone.now())
    member_removal.remove(actor=actor(owner), member_id=colleague.pk, transfers={token.pk: owner.pk})
    assert ServiceAccountToken.objects.get(pk=token.pk).responsible == owner


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("/settings/tokens/new/", {"name": "ci", "permissions": "usage.view", "expiration": "90"}),
        (
            "/settings/clients/new/",
            {"name": "ci", "permissions": "usage.view", "refresh_auth": "required"},
        ),
        ("/settings/clients/{client}/rotate/", {"overlap": "0"}),
        ("/settings/members/invite/", {"email": "ada@example.com", "role": "member"}),
    ],
)
def test_a_form_that_is_sent_all_the_same_says_why_nothing_was_made(owner, importer, url, form):
    Organization.objects.update(suspended_at=timezone.now())
    response = fresh_browser_of(owner.user).post(url.format(client=importer.id), form)
    assert response.status_code in (403, 422)
    assert SUSPENDED in response.content.decode()
    assert not ServiceAccountToken.objects.exists()
    assert ClientSecret.objects.count() == 1
