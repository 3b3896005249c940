"""POST /v1/auth/login: what it answers, whom it lets in, and where to."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import PASSWORD, make_organization
from tests.support.sessions import join, login, make_person, make_verified
from tokens.models import Grant

pytestmark = pytest.mark.django_db
INVALID = {"error": "Invalid e-mail or password", "code": "invalid_credentials"}


@pytest.fixture
def ada() -> Membership:
    return make_person(role=Role.ADMIN, email="ada@example.com", name="Ada")


def test_a_person_gets_the_tokens_and_is_told_who_they_are(ada: Membership) -> None:
    response = login("ada@example.com")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response.cookies == {}
    body = response.json()
    access, refresh = body.pop("access_token"), body.pop("refresh_token")
    assert access.startswith("eyJ")
    assert refresh.startswith("tsr_rt_")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 900,
        "user": {
            "id": ada.user.public_id,
            "email": "ada@example.com",
            "name": "Ada",
            "role": "admin",
            "organizationId": ada.organization.public_id,
        },
    }
    assert program(access).get("/api/auth/whoami").json()["userId"] == ada.user.public_id


def test_a_person_without_a_name_goes_by_their_address() -> None:
    make_person(email="grace@example.com")
    assert login("grace@example.com").json()["user"]["name"] == "grace"


@pytest.mark.parametrize("spelled", ["ADA@example.com", " ada@example.com ", "Ada@Example.COM"])
def test_an_address_is_known_in_any_case(ada: Membership, spelled: str) -> None:
    assert login(spelled).status_code == 200


def test_a_wrong_password_an_unknown_and_an_inactive_account_answer_alike(ada: Membership) -> None:
    make_person(email="gone@example.com", is_active=False)
    make_verified("empty@example.com").set_unusable_password()
    answers = [
        login("ada@example.com", "a-wrong-passphrase"),
        login("nobody@example.com"),
        login("gone@example.com"),
        login("empty@example.com", "!"),
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert answer.json() == INVALID
        assert answer["WWW-Authenticate"] == 'Bearer realm="tessera"'
    names = {tuple(sorted(name for name in answer.headers if name != "X-Request-ID")) for answer in answers}
    assert len(names) == 1
    assert not Grant.objects.exists()


def test_each_of_them_hashes_one_password(ada: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher  # noqa: PLC0415

    hashed: list[str] = []
    real = MD5PasswordHasher.encode

    def counting(self: Any, password: str, salt: str) -> str:
        hashed.append(password)
        return real(self, password, salt)

    make_person(email="gone@example.com", is_active=False)
    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    counts = []
    for email in ("ada@example.com", "nobody@example.com", "gone@example.com"):
        hashed.clear()
        login(email, "a-wrong-passphrase")
        counts.append(len(hashed))
    assert counts == [1, 1, 1]


def test_an_address_that_is_not_confirmed_gets_no_session(ada: Membership) -> None:
    EmailAddress.objects.filter(user=ada.user).update(verified=False)
    response = login("ada@example.com")
    assert response.status_code == 403
    assert response.json()["code"] == "email_not_verified"


def test_a_person_without_an_organization_is_told_so() -> None:
    make_verified("lonely@example.com")
    response = login("lonely@example.com")
    assert response.status_code == 403
    assert response.json() == {
        "error": "You do not belong to this organization",
        "code": "no_membership",
    }


def test_the_oldest_membership_is_entered_unless_another_is_named(ada: Membership) -> None:
    other = join(ada.user, role=Role.VIEWER)
    assert login("ada@example.com").json()["user"]["organizationId"] == ada.organization.public_id
    for name in (other.organization.public_id, other.organization.slug):
        user = login("ada@example.com", organization=name).json()["user"]
        assert (user["organizationId"], user["role"]) == (other.organization.public_id, "viewer")


@pytest.mark.parametrize("name", ["unknown", "org_00000000000000000000000000", "its id"])
def test_an_organization_one_is_not_in_answers_like_one_that_does_not_exist(
    ada: Membership, name: str
) -> None:
    stranger = make_organization()
    response = login("ada@example.com", organization=stranger.public_id if name == "its id" else name)
    assert response.status_code == 403
    assert response.json()["code"] == "no_membership"


def test_a_suspended_organization_cannot_be_entered(ada: Membership) -> None:
    ada.organization.suspended_at = timezone.now()
    ada.organization.save()
    response = login("ada@example.com")
    assert response.status_code == 403
    assert response.json()["code"] == "organization_suspended"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "a@example.com"}, "password"),
        ({"email": ["a@example.com", "b@example.com"], "password": "x"}, "email"),
        ({"email": "a@example.com", "password": 12345}, "password"),
        ({"email": "a@example.com", "password": "x" * 1025}, "password"),
        ({"email": "a@example.com", "password": "x", "role": "owner"}, "role"),
    ],
)
def test_a_body_of_another_form_is_refused_by_field(body: dict[str, Any], field: str) -> None:
    response = Client().post("/v1/auth/login", body, content_type="application/json")
    assert response.status_code == 400
    assert field in response.json()["fields"]


def test_a_password_is_taken_exactly_as_it_is() -> None:
    member = make_person(email="space@example.com")
    member.user.set_password(" spaces around it ")
    member.user.save()
    assert login("space@example.com", " spaces around it ").status_code == 200
    assert login("space@example.com", "spaces around it").status_code == 401


def test_a_form_or_the_query_is_no_sign_in(ada: Membership) -> None:
    form = {"email": "ada@example.com", "password": PASSWORD}
    assert Client().post("/v1/auth/login", form).status_code == 415
    address = f"/v1/auth/login?email=ada@example.com&password={PASSWORD}"
    assert Client().post(address, {}, content_type="application/json").status_code == 400


def test_the_session_keeps_where_it_came_from(ada: Membership) -> None:
    login(
        "ada@example.com", client=Client(headers={"User-Agent": "curl/8.5.0\u2028"}, REMOTE_ADDR="192.0.2.7")
    )
    grant = Grant.objects.get()
    assert (grant.user_agent, grant.address) == ("curl/8.5.0", "192.0.2.7")
