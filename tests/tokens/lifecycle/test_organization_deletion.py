"""Deletion of an organization: nothing of it works from then on, and only staff can restore it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import errors
from accounts.audit.log import first_broken
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Membership, Organization
from accounts.organizations import deletion, provisioning
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import PASSWORD, actor, browser_of, fresh_browser_of, make_member, make_token
from tests.support.sessions import join, login, make_person, opened, refresh
from tests.support.team import make_invited, make_proven, trail
from tests.tokens.oauth.calls import Program, ask, make_program, whoami
from tokens.models import OAuthClient, ServiceAccountToken

pytestmark = pytest.mark.django_db
PAGE = "/settings/organization/delete/"


@pytest.fixture
def ada() -> Membership:
    """The owner of an organization, who may sign in."""
    return make_person(email="ada@example.com")


def end(owner: Membership, **how: object) -> Organization:
    return deletion.delete(actor=actor(owner), typed_name=owner.organization.name, **how)  # type: ignore[arg-type]


def client_grant(importer: Program) -> int:
    status: int = ask(grant_type="client_credentials", **importer.body).status_code
    return status


def test_every_credential_stops_at_once(ada: Membership) -> None:
    importer = make_program(ada)
    session = opened(make_person(ada.organization, Role.VIEWER))
    bearers = [make_token(ada).plaintext, importer.grant()["access_token"], session.access_token]
    assert {whoami(bearer).status_code for bearer in bearers} == {200}

    end(ada)

    answers = [whoami(bearer) for bearer in bearers]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(401, "token_revoked")] * 3
    assert refresh(session.refresh_token).status_code == 401
    assert client_grant(importer) == 401
    assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()
    assert not OAuthClient.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize("stamp", [True, False])
def test_the_mark_alone_stops_them(ada: Membership, stamp: bool) -> None:
    """However it came about: a flow, the ORM, or raw SQL that stamps no token."""
    importer = make_program(ada)
    bearers = [make_token(ada).plaintext, importer.grant()["access_token"], opened(ada).access_token]
    if stamp:
        ada.organization.deleted_at = timezone.now()
        ada.organization.save()
    else:
        Organization.objects.update(deleted_at=timezone.now())
    assert [whoami(bearer).json()["code"] for bearer in bearers] == ["token_revoked"] * 3
    assert client_grant(importer) == 401
    assert ServiceAccountToken.objects.filter(revoked_at=None).exists() is not stamp


def test_a_membership_opens_nothing_any_more(ada: Membership) -> None:
    browser = browser_of(ada.user)
    end(ada)
    assert browser.get("/settings/tokens/").status_code == 403
    assert "You belong to no organization" in browser.get("/settings/members/").content.decode()
    assert login("ada@example.com").json()["code"] == "no_membership"
    body = {"email": "ada@example.com", "password": PASSWORD}
    key = ada.organization.publishable_key
    grant = "/auth/v1/token?grant_type=password"
    answer = Client().post(grant, body, content_type="application/json", headers={"apikey": key})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_who_belongs_elsewhere_goes_on_there(ada: Membership) -> None:
    other = join(ada.user)
    browser = browser_of(ada.user)
    end(ada)
    page = browser.get("/settings/organization/").content.decode()
    assert other.organization.name in page
    assert ada.organization.name not in page
    assert login("ada@example.com").status_code == 200


def test_open_invitations_die(ada: Membership) -> None:
    invited = make_invited(ada, "grace@example.com")
    end(ada)
    assert Invitation.objects.get().revoked_at is not None
    with pytest.raises(APIError) as caught:
        invitations.accept(secret=invited.secret, user=make_proven("grace@example.com"))
    assert caught.value.error is errors.INVITATION_GONE


def test_no_flow_finds_it(ada: Membership) -> None:
    late = actor(ada)
    end(ada)
    for flow in (
        lambda: make_invited(ada, "grace@example.com"),
        lambda: make_token(ada),
        lambda: deletion.delete(actor=late, typed_name=ada.organization.name),
    ):
        with pytest.raises(APIError) as caught:
            flow()
        assert caught.value.error is errors.TOKEN_REVOKED


def test_it_is_recorded_and_the_owners_are_mailed(
    ada: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    make_member(ada.organization, Role.OWNER)
    make_member(ada.organization, Role.ADMIN)
    make_token(ada, "ci")
    make_invited(ada, "grace@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        end(ada)
    events = [(action, kind) for action, kind, _ in trail(ada.organization)]
    assert events[-3:] == [
        ("token.revoked", "user"),
        ("invitation.revoked", "user"),
        ("organization.deleted", "user"),
    ]
    assert first_broken(ada.organization_id) is None
    results = [one for one in mail.outbox if "was deleted" in one.subject]
    owners = Membership.objects.filter(organization=ada.organization, role=Role.OWNER)
    assert sorted(one.to[0] for one in results) == sorted(owners.values_list("user__email", flat=True))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
def test_only_an_owner_in_person_deletes_it(ada: Membership, role: Role) -> None:
    other = make_member(ada.organization, role)
    name = ada.organization.name
    with pytest.raises(APIError) as caught:
        deletion.delete(actor=actor(other), typed_name=name)
    assert caught.value.error is errors.FORBIDDEN
    assert fresh_browser_of(other.user).post(PAGE, {"typed": name}).status_code == 403
    assert program(make_token(ada, permissions=["*:*:*"])).delete("/api/v1/organization").status_code == 405
    assert Organization.objects.not_deleted().exists()


def test_the_page_shows_what_stops_and_wants_the_name(ada: Membership) -> None:
    make_token(ada)
    browser = fresh_browser_of(ada.user)
    page = browser.get(PAGE).content.decode()
    assert "<dt>API tokens</dt><dd>1</dd>" in page
    for typed in ("", "something else", ada.organization.name.lower()):
        refused = browser.post(PAGE, {"typed": typed})
        assert refused.status_code == 422
        assert f"Type {ada.organization.name} to confirm." in refused.content.decode()
    assert Organization.objects.not_deleted().exists()
    ended = browser.post(PAGE, {"typed": f" {ada.organization.name} "}, follow=True)
    assert "was deleted. Our staff can restore it until" in ended.content.decode()
    assert not Organization.objects.not_deleted().exists()


def test_restoring_gives_the_people_their_place_back_and_no_credential(
    ada: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    importer = make_program(ada)
    token, session = make_token(ada).plaintext, opened(ada)
    deleted = end(ada)
    with django_capture_on_commit_callbacks(execute=True):
        assert deletion.restore(organization=deleted, actor=SYSTEM)
    assert not deletion.restore(organization=deleted, actor=SYSTEM)
    assert browser_of(ada.user).get("/settings/organization/").status_code == 200
    assert login("ada@example.com").status_code == 200
    for bearer in (token, session.access_token):
        assert whoami(bearer).json()["code"] == "token_revoked"
    assert client_grant(importer) == 401
    assert trail(ada.organization)[-1][:2] == ("organization.restored", "system")
    assert "is back" in mail.outbox[-1].subject


def test_it_is_restored_within_thirty_days_and_not_after(ada: Membership) -> None:
    now = timezone.now()
    deleted = end(ada, now=now - timedelta(days=30))
    with pytest.raises(APIError):
        deletion.restore(organization=deleted, actor=SYSTEM, now=now)
    assert deletion.restore(organization=deleted, actor=SYSTEM, now=now - timedelta(seconds=1))


def test_its_short_name_is_free_meanwhile(ada: Membership) -> None:
    name, slug = ada.organization.name, "kettles"
    Organization.objects.update(slug=slug)
    for _ in range(2):
        assert deletion.restore(organization=end(ada), actor=SYSTEM)
        assert Organization.objects.get().slug == slug
    deleted = end(ada)
    assert provisioning.organization(name=slug).slug == slug
    assert deletion.restore(organization=deleted, actor=SYSTEM)
    assert set(Organization.objects.values_list("slug", flat=True)) == {slug, deleted.slug}
    assert Organization.objects.filter(name=name, slug=deleted.slug).exists()


def test_staff_delete_it_once(ada: Membership) -> None:
    assert deletion.delete_by_staff(organization=ada.organization, actor=SYSTEM)
    assert not deletion.delete_by_staff(organization=ada.organization, actor=SYSTEM)
    assert [action for action, _, _ in trail(ada.organization)].count("organization.deleted") == 1


def test_the_last_owner_of_a_deleted_one_may_go(ada: Membership) -> None:
    end(ada)
    ada.user.delete()
    assert not Membership.objects.filter(organization=ada.organization).exists()
