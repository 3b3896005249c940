"""POST /auth/v1/token: the password grant in the shape that Supabase's clients know."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization, new_publishable_key
from tests.support.clients import program
from tests.support.people import PASSWORD, make_organization
from tests.support.sessions import join, make_person, make_verified, opened
from tokens.models import Grant, GrantKind

pytestmark = pytest.mark.django_db
PASSWORD_PATH = "/auth/v1/token?grant_type=password"
REFRESH_PATH = "/auth/v1/token?grant_type=refresh_token"


@pytest.fixture
def ada() -> Membership:
    return make_person(email="ada@example.com")


def ask(body: dict[str, Any] | None = None, path: str = PASSWORD_PATH, key: str | None = None) -> Any:
    headers = {} if key is None else {"apikey": key}
    wanted = {"email": "ada@example.com", "password": PASSWORD} if body is None else body
    return Client(headers=headers).post(path, wanted, content_type="application/json")


def refresh(raw: str, key: str | None = None) -> Any:
    return ask({"refresh_token": raw}, REFRESH_PATH, key)


def assert_invalid_key(response: Any) -> None:
    assert response.status_code == 401
    assert response.json() == {"error": "Invalid API key", "code": "invalid_token"}


def test_a_password_is_exchanged_for_a_session_in_supabases_shape(ada: Membership) -> None:
    response = ask(key=ada.organization.publishable_key)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    access, raw = body.pop("access_token"), body.pop("refresh_token")
    assert abs(body["expires_at"] - time.time() - 3600) < 60
    assert {name: body["user"][name] for name in ("id", "email", "role", "aud")} == {
        "id": ada.user.public_id,
        "email": ada.user.email,
        "role": "owner",
        "aud": "authenticated",
    }
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    assert program(access).get("/api/auth/whoami").json()["userId"] == ada.user.public_id
    again = refresh(raw, ada.organization.publishable_key)
    assert again.status_code == 200
    assert again.json().keys() == {"access_token", "refresh_token", *body}
    assert again.json()["expires_in"] == 3600
    assert Grant.objects.get().kind == GrantKind.PASSWORD


def test_the_key_names_the_organization(ada: Membership) -> None:
    other = join(ada.user)
    for member in (ada, other):
        access = ask(key=member.organization.publishable_key).json()["access_token"]
        results = program(access).get("/api/auth/whoami").json()
        assert results["organizationId"] == member.organization.public_id


def test_a_person_of_one_organization_may_leave_the_key_out(ada: Membership) -> None:
    tokens = ask().json()
    assert refresh(tokens["refresh_token"]).status_code == 200


def test_a_person_of_several_is_asked_for_the_key(ada: Membership) -> None:
    join(ada.user)
    response = ask()
    assert response.status_code == 400
    assert "publishable key" in response.json()["fields"]["apikey"][0]


def test_a_person_of_none_is_told_so() -> None:
    make_verified("ada@example.com")
    assert ask().json()["code"] == "no_membership"


@pytest.mark.parametrize("key", ["", "x", "tsr_pk_", "unknown", "of another form"])
def test_a_wrong_key_is_refused_before_the_password_is_looked_at(
    ada: Membership, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise AssertionError("The password was looked at.")

    monkeypatch.setattr("accounts.models.User.check_password", fault)
    assert_invalid_key(ask(key=new_publishable_key() if key == "unknown" else key))


def test_a_key_of_an_organization_one_is_not_in_opens_nothing(ada: Membership) -> None:
    response = ask(key=make_organization().publishable_key)
    assert response.status_code == 403
    assert response.json()["code"] == "no_membership"
    assert not Grant.objects.exists()


def test_another_organizations_key_refreshes_nothing_and_revokes_nothing(ada: Membership) -> None:
    raw = ask().json()["refresh_token"]
    stranger = make_organization()
    assert refresh(raw, stranger.publishable_key).json()["code"] == "invalid_refresh_token"
    assert_invalid_key(refresh(raw, new_publishable_key()))
    assert refresh(raw).status_code == 200


def test_a_publishable_key_is_no_bearer(ada: Membership) -> None:
    key = Organization.objects.get().publishable_key
    assert_invalid_key(program(key).get("/api/auth/whoami"))
    assert_invalid_key(
        Client(headers={"apikey": key}).get("/api/auth/whoami", headers={"Authorization": f"Bearer {key}"})
    )


def test_a_wrong_password_answers_as_at_every_door(ada: Membership) -> None:
    for email in ("ada@example.com", "nobody@example.com"):
        response = ask({"email": email, "password": "a-wrong-passphrase"})
        assert response.status_code == 401
        assert response.json() == {"error": "Invalid e-mail or password", "code": "invalid_credentials"}


@pytest.mark.parametrize("field", ["email", "username"])
def test_a_form_is_read_as_well(ada: Membership, field: str) -> None:
    form = {"grant_type": "password", field: "ada@example.com", "password": PASSWORD, "client_id": "x"}
    assert Client().post("/auth/v1/token", form, content_type="application/json").status_code == 200
    encoded = "&".join(f"{name}={value}" for name, value in form.items())
    for path in ("/auth/v1/token", PASSWORD_PATH):
        response = Client().post(path, encoded, content_type="application/x-www-form-urlencoded")
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/v1/token", {}),
        ("/auth/v1/token?grant_type=", {}),
        ("/auth/v1/token?grant_type=client_credentials", {}),
        (PASSWORD_PATH, {"grant_type": "refresh_token"}),
        (PASSWORD_PATH, {"grant_type": ["password"]}),
        (PASSWORD_PATH + "&grant_type=password", {}),
        (PASSWORD_PATH + "&email=ada@example.com", {}),
        (PASSWORD_PATH + "&password=x", {}),
        (REFRESH_PATH + "&refresh_token=x", {}),
        (PASSWORD_PATH, {"email": "ada@example.com"}),
        (PASSWORD_PATH, {"email": ["ada@example.com"], "password": PASSWORD}),
        (REFRESH_PATH, {}),
    ],
)
def test_what_is_not_this_grant_is_refused(path: str, body: dict[str, Any]) -> None:
    response = ask(body, path)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_request"


def test_a_field_given_twice_in_a_form_is_refused(ada: Membership) -> None:
    encoded = f"email=ada@example.com&email=eve@example.com&password={PASSWORD}"
    response = Client().post(PASSWORD_PATH, encoded, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400


def test_members_of_other_names_are_passed_over(ada: Membership) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "gotrue_meta_security": {"captcha_token": "x"}}
    assert ask(body).status_code == 200


def test_a_session_of_another_door_is_not_refreshed_here(ada: Membership) -> None:
    tokens = opened(ada)
    assert refresh(tokens.refresh_token).json()["code"] == "invalid_refresh_token"
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == 200


def test_it_is_a_post() -> None:
    assert Client().get(PASSWORD_PATH).status_code == 405
