"""The link of an invitation is a mailed claim, whose end and state are the invitation's own."""

from __future__ import annotations

import importlib
from datetime import timedelta
from hashlib import sha256

import pytest
from django.apps import apps
from django.utils import timezone

from accounts import errors
from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import InvalidLink
from accounts.errors import APIError
from accounts.members import invitations
from accounts.members.invitations import Invited, accept
from accounts.models import Invitation, MailedClaim, Membership
from accounts.models.mailed_claim import LinkKind
from tests.support.people import actor
from tests.support.team import make_invited, make_proven

pytestmark = pytest.mark.django_db
migration = importlib.import_module("accounts.migrations.0017_claims_of_invitations")
GRACE = "grace@example.com"


@pytest.fixture
def invited(owner: Membership) -> Invited:
    return make_invited(owner, GRACE)


def keep_as_before(invited: Invited) -> None:
    """As the version before stored it."""
    MailedClaim.objects.filter(invitation=invited.invitation).delete()
    digest = sha256(invited.secret.encode()).digest()
    Invitation.objects.filter(pk=invited.invitation.pk).update(digest=digest)


def error_of(secret: str) -> errors.ErrorCode:
    with pytest.raises(APIError) as caught:
        accept(secret=secret, user=make_proven("ida@example.com"))
    return caught.value.error


def test_an_invitation_has_one_claim_and_resending_replaces_its_secret(
    invited: Invited, owner: Membership
) -> None:
    before = MailedClaim.objects.get()
    resent = invitations.resend(actor=actor(owner), invitation=invited.invitation)
    after = MailedClaim.objects.get()
    assert (after.pk, after.claim) == (before.pk, f"invitation:{invited.invitation.pk}")
    assert bytes(after.digest) == sha256(resent.secret.encode()).digest() != bytes(before.digest)
    assert (after.email, after.expires_at, after.used_at) == ("", None, None)


def test_accepting_uses_the_claim_up_and_a_refusal_does_not(invited: Invited) -> None:
    assert error_of(invited.secret) is errors.FORBIDDEN
    assert MailedClaim.objects.get().used_at is None
    now = timezone.now()
    accept(secret=invited.secret, user=make_proven(GRACE), now=now)
    assert MailedClaim.objects.get().used_at == now


@pytest.mark.parametrize("kind", [kind for kind in LinkKind if kind != LinkKind.INVITATION])
def test_the_link_is_good_for_nothing_else(invited: Invited, kind: LinkKind) -> None:
    with pytest.raises(InvalidLink):
        mailed_links.find(invited.secret, kind)


def test_an_account_that_opens_by_other_means_leaves_the_link_as_it_is(invited: Invited) -> None:
    mailed_links.end_sign_ups(GRACE)
    mailed_links.end_all(grace := make_proven(GRACE))
    assert accept(secret=invited.secret, user=grace).user == grace


def test_housekeeping_keeps_the_claim_as_long_as_its_invitation(invited: Invited) -> None:
    mailed_links.prune(timezone.now() + timedelta(days=365))
    Invitation.objects.update(expires_at=timezone.now())
    assert error_of(invited.secret) is errors.INVITATION_GONE
    Invitation.objects.all().delete()
    assert not MailedClaim.objects.exists()


def test_the_migration_keeps_links_of_the_version_before_working_once(owner: Membership) -> None:
    grace = make_proven(GRACE)
    accepted, unread = make_invited(owner, GRACE), make_invited(owner, "ida@example.com")
    accept(secret=accepted.secret, user=grace)
    for one in (accepted, unread):
        keep_as_before(one)
    migration.copy_links(apps, None)
    assert invitations.find(unread.secret) == unread.invitation
    ida = make_proven("ida@example.com")
    assert accept(secret=unread.secret, user=ida).user == ida
    for secret, user in ((accepted.secret, grace), (unread.secret, ida)):
        with pytest.raises(APIError) as caught:
            accept(secret=secret, user=user)
        assert caught.value.error is errors.INVITATION_GONE


def test_the_migration_backwards_gives_each_invitation_its_digest(invited: Invited) -> None:
    migration.give_back(apps, None)
    assert bytes(Invitation.objects.get().digest or b"") == sha256(invited.secret.encode()).digest()
    assert not MailedClaim.objects.exists()
