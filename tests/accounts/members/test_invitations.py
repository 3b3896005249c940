"""Invitations: one use, one proven address, seven days, and never more than the inviter may give now."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import errors
from accounts.audit import log
from accounts.errors import APIError
from accounts.members.invitations import accept, resend, revoke, status
from accounts.models import Invitation, MailedClaim, Membership
from accounts.permissions.roles import Role
from tests.support.people import actor, make_member, make_token, make_user
from tests.support.team import changes, make_invited, make_proven, trail

GRACE = "grace@example.com"


def error_of(task: object) -> errors.ErrorCode:
    with pytest.raises(APIError) as caught:
        task()  # type: ignore[operator]
    return caught.value.error


def test_the_invited_person_joins_with_the_role_and_the_log_tells_it(owner: Membership) -> None:
    invited = make_invited(owner, "Grace@Example.com ", Role.ADMIN)
    grace = make_proven(GRACE, name="Grace")

    member = accept(secret=invited.secret, user=grace)

    assert (member.organization_id, member.user, member.role) == (owner.organization_id, grace, Role.ADMIN)
    assert trail(owner.organization) == [
        ("invitation.created", "user", GRACE),
        ("invitation.accepted", "user", GRACE),
        ("member.joined", "user", "Grace"),
    ]
    assert log.first_broken(owner.organization_id) is None


def test_a_link_works_once(owner: Membership) -> None:
    invited = make_invited(owner)
    grace = make_proven(GRACE)
    accept(secret=invited.secret, user=grace)
    assert error_of(lambda: accept(secret=invited.secret, user=grace)) is errors.INVITATION_GONE


def test_only_the_digest_is_kept(owner: Membership) -> None:
    invited = make_invited(owner)
    assert len(invited.secret) == 43
    [claim] = MailedClaim.objects.values()
    assert bytes(claim["digest"]) == sha256(invited.secret.encode()).digest()
    assert invited.secret not in repr([claim, *Invitation.objects.values()])
    assert invited.secret not in str(list(changes(owner.organization, "invitation.created")))


@pytest.mark.parametrize(("late", "works"), [(timedelta(microseconds=-1), True), (timedelta(), False)])
def test_it_ends_at_its_very_instant(owner: Membership, late: timedelta, works: bool) -> None:
    invited = make_invited(owner)
    grace = make_proven(GRACE)
    now = invited.invitation.expires_at + late
    lifetime = invited.invitation.expires_at - invited.invitation.created_at
    assert abs(lifetime - timedelta(days=7)) < timedelta(seconds=5)
    if works:
        assert accept(secret=invited.secret, user=grace, now=now).user == grace
    else:
        gone = error_of(lambda: accept(secret=invited.secret, user=grace, now=now))
        assert gone is errors.INVITATION_GONE


@pytest.mark.parametrize("secret", ["", "x" * 43, "x" * 42 + "!", "ⅹ" * 43, "x" * 10_000])
def test_a_secret_that_nobody_was_sent_is_not_found(db: None, secret: str) -> None:
    assert error_of(lambda: accept(secret=secret, user=make_user())) is errors.NOT_FOUND


@pytest.mark.parametrize("email", ["mallory@example.com", "grace@example.co", "gracе@example.com"])
def test_another_address_is_refused_and_uses_nothing_up(owner: Membership, email: str) -> None:
    invited = make_invited(owner)
    with pytest.raises(APIError) as caught:
        accept(secret=invited.secret, user=make_proven(email))
    assert caught.value.error is errors.FORBIDDEN
    assert caught.value.extra == {"detail": "The invitation is for another e-mail address."}
    assert accept(secret=invited.secret, user=make_proven(GRACE))


def test_an_unproven_address_is_told_to_be_proven_first(owner: Membership) -> None:
    invited = make_invited(owner)
    with pytest.raises(APIError) as caught:
        accept(secret=invited.secret, user=make_user(GRACE))
    assert caught.value.extra == {"detail": "Confirm your e-mail address first."}
    assert not Membership.objects.filter(user__email=GRACE).exists()


def test_letters_that_a_database_folds_together_are_not_the_same_address(owner: Membership) -> None:
    invited = make_invited(owner, "ian@example.com")
    assert error_of(lambda: accept(secret=invited.secret, user=make_proven("ıan@example.com")))


def test_sending_again_kills_the_link_before(owner: Membership) -> None:
    first = make_invited(owner)
    second = resend(actor=actor(owner), invitation=first.invitation)
    grace = make_proven(GRACE)
    assert second.invitation.pk == first.invitation.pk
    assert error_of(lambda: accept(secret=first.secret, user=grace)) is errors.NOT_FOUND
    assert accept(secret=second.secret, user=grace)
    assert error_of(lambda: resend(actor=actor(owner), invitation=first.invitation)) is errors.INVITATION_GONE


def test_inviting_again_replaces_role_and_link(owner: Membership) -> None:
    first = make_invited(owner, role=Role.ADMIN)
    second = make_invited(owner, role=Role.VIEWER)
    grace = make_proven(GRACE)
    assert error_of(lambda: accept(secret=first.secret, user=grace)) is errors.NOT_FOUND
    assert accept(secret=second.secret, user=grace).role == Role.VIEWER
    assert Invitation.objects.count() == 1


def test_a_revoked_one_is_gone_and_revoking_twice_changes_nothing(owner: Membership) -> None:
    invited = make_invited(owner)
    for _ in range(2):
        revoke(actor=actor(owner), invitation=invited.invitation)
    assert error_of(lambda: accept(secret=invited.secret, user=make_proven(GRACE))) is errors.INVITATION_GONE
    assert [action for action, _, _ in trail(owner.organization)].count("invitation.revoked") == 1


def test_an_accepted_one_cannot_be_taken_back(owner: Membership) -> None:
    invited = make_invited(owner)
    accept(secret=invited.secret, user=make_proven(GRACE))
    gone = error_of(lambda: revoke(actor=actor(owner), invitation=invited.invitation))
    assert gone is errors.INVITATION_GONE


def test_a_member_is_not_invited(owner: Membership) -> None:
    with pytest.raises(APIError) as caught:
        make_invited(owner, owner.user.email)
    assert caught.value.extra["fields"] == {"email": ["This person is a member already."]}


def test_somebody_who_joined_meanwhile_keeps_their_role(owner: Membership) -> None:
    invited = make_invited(owner, role=Role.ADMIN)
    viewer = make_member(owner.organization, Role.VIEWER, make_proven(GRACE))
    assert accept(secret=invited.secret, user=viewer.user).role == Role.VIEWER
    assert "member.joined" not in [action for action, _, _ in trail(owner.organization)]


def test_the_organizations_domains_bound_who_is_invited(owner: Membership) -> None:
    invited = make_invited(owner, "grace@elsewhere.example")
    owner.organization.email_domains = ["Acme.example"]
    owner.organization.save()
    with pytest.raises(APIError) as caught:
        make_invited(owner, "ada@elsewhere.example")
    assert caught.value.extra["fields"].keys() == {"email"}
    assert make_invited(owner, "ada@acme.example")
    late = make_proven("grace@elsewhere.example")
    with pytest.raises(APIError) as caught:
        accept(secret=invited.secret, user=late)
    sentence = "This organization takes addresses of Acme.example only."
    assert caught.value.extra["fields"] == {"email": [sentence]}


def test_the_mail_names_inviter_organization_role_and_our_own_host(
    owner: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    owner.user.name = "Ada Lovelace"
    owner.user.save()
    with django_capture_on_commit_callbacks(execute=True):
        invited = make_invited(owner, role=Role.ADMIN)
    [email] = mail.outbox
    assert email.to == [GRACE]
    html = str(email.alternatives[0][0])
    for text in (str(email.body), html):
        assert f"http://127.0.0.1:8000/accounts/invitations/{invited.secret}/" in text
        assert "Ada Lovelace" in text
        assert owner.organization.name in text
        assert "as an admin" in text


def test_one_address_is_not_mailed_without_end(owner: Membership) -> None:
    invited = make_invited(owner)
    for _ in range(2):
        invited = resend(actor=actor(owner), invitation=invited.invitation)
    with pytest.raises(APIError) as caught:
        make_invited(make_member(), GRACE)
    assert caught.value.error is errors.RATE_LIMITED
    assert 0 < caught.value.extra["retry_after"] <= 3600


def test_its_status_says_where_it_stands(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    one = make_invited(admin).invitation
    now = timezone.now()
    assert status(one, now) == "pending"
    assert status(one, one.expires_at) == "expired"
    Membership.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    one = Invitation.objects.select_related("organization", "inviter__user").get(pk=one.pk)
    assert status(one, now) == "lapsed"


def test_a_program_invites_within_its_own_permissions(owner: Membership) -> None:
    from tokens.credentials.credential import Credential  # noqa: PLC0415
    from tokens.credentials.token_lookup import authenticate_token  # noqa: PLC0415

    token = make_token(owner, permissions=["members.manage"])
    credential = authenticate_token(token.plaintext)
    assert isinstance(credential, Credential)
    from accounts.members.invitations import invite  # noqa: PLC0415

    assert (
        error_of(lambda: invite(actor=credential, email=GRACE, role=Role.VIEWER)) is errors.INSUFFICIENT_SCOPE
    )
    assert error_of(lambda: invite(actor=credential, email=GRACE, role=Role.OWNER)) is errors.FORBIDDEN
