"""Signing in and up at a provider: who gets in, where, and as whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings as configured
from django.db.models import QuerySet
from django.test import Client

from accounts.members import invitations
from accounts.models import Membership, User
from accounts.permissions.roles import Role
from accounts.registration.onboarding import SESSION_KEY
from tests.accounts.authentication.flows import PASSWORD, make_person, sign_in
from tests.accounts.authentication.sign_in_by import (
    begin,
    come_back,
    google,
    is_inside,
    microsoft,
    sign_in_by,
)
from tests.accounts.oidc.fake_provider import EC_KEY, TENANT, FakeProvider
from tests.support.mails import MailingClient
from tests.support.people import actor, make_member

__all__ = ["google", "microsoft"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/"])
def test_buttons_stand_only_where_a_provider_is_configured(path: str, request: Any, client: Client) -> None:
    assert b"Continue with" not in client.get(path).content
    request.getfixturevalue("google")
    page = client.get(path).content
    assert b"Continue with Google" in page
    assert b"Continue with Microsoft" not in page
    assert client.post("/accounts/microsoft/login/").status_code == 404


def test_a_new_person_owns_an_organization_and_has_no_password(google: FakeProvider, client: Client) -> None:
    response = sign_in_by(client, google)
    assert (response.status_code, response["Location"]) == (302, "/settings/tokens/")
    user = User.objects.get()
    assert (user.email, user.name, user.has_usable_password()) == ("ann@example.com", "Ann Example", False)
    assert EmailAddress.objects.get(user=user).verified
    assert Membership.objects.get(user=user).role == Role.OWNER
    assert client.get("/settings/tokens/").status_code == 200


def test_a_new_person_of_a_company_too(microsoft: FakeProvider, client: Client) -> None:
    assert sign_in_by(client, microsoft, "microsoft")["Location"] == "/settings/tokens/"
    account = SocialAccount.objects.get()
    assert account.uid == f"https://login.microsoftonline.com/{TENANT}/v2.0 248289761001"
    assert (account.extra_data["tid"], account.extra_data["oid"]) == (TENANT, "an-object")


def test_a_key_of_either_kind_signs(google: FakeProvider, client: Client) -> None:
    google.key, google.algorithm, google.key_id = EC_KEY, "ES256", "second"
    assert sign_in_by(client, google).status_code == 302


def test_nothing_of_the_providers_is_kept(google: FakeProvider, client: Client) -> None:
    sign_in_by(client, google)
    assert not SocialToken.objects.exists()
    assert SocialAccount.objects.get().extra_data == {"iss": google.issuer, "sub": "248289761001"}
    held = repr(dict(client.session.items()))
    assert "eyJ" not in held
    assert "do-not-keep" not in held


def test_the_browser_goes_with_state_nonce_and_a_hashed_verifier(
    google: FakeProvider, client: Client
) -> None:
    query = parse_qs(urlsplit(begin(client)).query)
    assert query["redirect_uri"] == [f"{configured.BASE_URL}/accounts/google/login/callback/"]
    assert query["code_challenge_method"] == ["S256"]
    assert min(len(query[name][0]) for name in ("state", "nonce", "code_challenge")) == 43


def test_the_session_is_another_one_after_the_sign_in(google: FakeProvider, client: Client) -> None:
    answer = google.approve(begin(client))
    before = client.session.session_key
    come_back(client, answer)
    assert client.session.session_key != before


def test_the_same_subject_is_the_same_person_whatever_the_address(
    google: FakeProvider, client: Client
) -> None:
    sign_in_by(client, google)
    google.claims |= {"email": "moved@example.com", "email_verified": False}
    other = Client()
    assert sign_in_by(other, google).status_code == 302
    assert other.session["_auth_user_id"] == client.session["_auth_user_id"]
    assert User.objects.get().email == "ann@example.com"


def test_the_same_address_with_another_subject_is_nobody(google: FakeProvider, client: Client) -> None:
    sign_in_by(client, google)
    google.claims["sub"] = "somebody-else"
    other = Client()
    assert sign_in_by(other, google).status_code == 400
    assert not is_inside(other)
    assert SocialAccount.objects.count() == 1


def test_the_same_subject_at_two_providers_is_two_people(
    google: FakeProvider, microsoft: FakeProvider, client: Client
) -> None:
    sign_in_by(client, google)
    microsoft.claims["email"] = "bea@example.com"
    sign_in_by(Client(), microsoft, "microsoft")
    assert set(User.objects.values_list("email", flat=True)) == {"ann@example.com", "bea@example.com"}


@pytest.mark.parametrize("said", [False, None, "true", 1])
def test_an_address_that_google_does_not_vouch_for_signs_nobody_up(
    said: object, google: FakeProvider, client: Client
) -> None:
    google.claims["email_verified"] = said
    response = sign_in_by(client, google)
    assert (response.status_code, b"does not vouch" in response.content) == (400, True)
    assert not User.objects.exists()


@pytest.mark.parametrize("said", [False, None, "true", 0])
def test_an_address_that_microsoft_does_not_vouch_for_signs_nobody_up(
    said: object, microsoft: FakeProvider, client: Client
) -> None:
    microsoft.claims |= {"xms_edov": said, "email_verified": True}
    assert sign_in_by(client, microsoft, "microsoft").status_code == 400
    assert not User.objects.exists()


def test_a_proven_account_of_the_address_is_not_entered(google: FakeProvider, client: Client) -> None:
    person = make_person()
    response = sign_in_by(client, google)
    assert (response.status_code, b"Sign in first" in response.content) == (400, True)
    assert not is_inside(client)
    assert not SocialAccount.objects.exists()
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_an_account_that_nobody_has_proven_goes_with_its_password(google: FakeProvider) -> None:
    squatter = MailingClient()
    form = {"email": "ann@example.com", "name": "Eve", "password": PASSWORD, "organization": "Trap"}
    squatter.post("/accounts/signup/", form)
    owner = Client()
    assert sign_in_by(owner, google).status_code == 302
    user = User.objects.get()
    assert (user.name, user.has_usable_password()) == ("Ann Example", False)
    sign_in(squatter)
    assert not is_inside(squatter)


def test_an_account_made_at_the_same_moment_is_not_taken_over(
    google: FakeProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person()
    monkeypatch.setattr(QuerySet, "exists", lambda _: False)
    response = sign_in_by(client, google)
    assert (response.status_code, b"Sign in first" in response.content) == (400, True)
    assert not is_inside(client)


def test_an_account_with_a_place_and_no_proven_address_is_not_entered(
    google: FakeProvider, client: Client
) -> None:
    person = make_person()
    EmailAddress.objects.filter(user=person).update(verified=False)
    assert sign_in_by(client, google).status_code == 400
    assert not is_inside(client)


def test_a_locked_person_is_refused(google: FakeProvider, client: Client) -> None:
    sign_in_by(client, google)
    User.objects.update(is_active=False)
    other = Client()
    response = sign_in_by(other, google)
    assert (response.status_code, b"locked" in response.content) == (403, True)
    assert not is_inside(other)


def invite(email: str) -> tuple[Membership, str]:
    member = make_member()
    return member, invitations.invite(actor=actor(member), email=email, role=Role.VIEWER).secret


def carry(browser: Client, secret: str) -> None:
    session = browser.session
    session[SESSION_KEY] = secret
    session.save()


def test_an_invited_person_joins_and_founds_nothing(google: FakeProvider, client: Client) -> None:
    inviter, secret = invite("ann@example.com")
    carry(client, secret)
    assert sign_in_by(client, google).status_code == 302
    member = Membership.objects.get(user__email="ann@example.com")
    assert (member.organization_id, member.role) == (inviter.organization_id, Role.VIEWER)


def test_an_invitation_for_another_address_lets_nobody_in(google: FakeProvider, client: Client) -> None:
    _, secret = invite("bea@example.com")
    carry(client, secret)
    response = sign_in_by(client, google)
    assert (response.status_code, b"another e-mail address" in response.content) == (400, True)
    assert not User.objects.filter(email="ann@example.com").exists()


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(wanted: str, google: FakeProvider, client: Client) -> None:
    assert sign_in_by(client, google, next=wanted)["Location"] == "/settings/tokens/"


def test_the_page_that_was_asked_for_comes_next(google: FakeProvider, client: Client) -> None:
    assert sign_in_by(client, google, next="/settings/security/")["Location"] == "/settings/security/"
