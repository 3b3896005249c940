"""POST /v1/auth/refresh and /v1/auth/logout: a session goes on by its last token, and ends at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.sessions import login, make_person, opened, refresh, session_of
from tests.support.threads import at_once
from tokens.crypto import opaque
from tokens.grants import refresh_tokens
from tokens.models import Grant, GrantKind, RefreshToken

pytestmark = pytest.mark.django_db
INVALID = {"error": "Invalid refresh token", "code": "invalid_refresh_token"}


@pytest.fixture
def ada() -> Membership:
    return make_person(role=Role.ADMIN, email="ada@example.com", name="Ada")


def assert_invalid(response: Any) -> None:
    assert response.status_code == 401
    assert response.json() == INVALID
    assert response["WWW-Authenticate"] == 'Bearer realm="tessera"'


def test_a_refresh_has_the_shape_of_a_sign_in_and_the_next_tokens(ada: Membership) -> None:
    first = login("ada@example.com").json()
    response = refresh(first["refresh_token"])
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    second = response.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert {name: second[name] for name in ("token_type", "expires_in", "user")} == {
        name: first[name] for name in ("token_type", "expires_in", "user")
    }
    assert program(second["access_token"]).get("/api/auth/whoami").status_code == 200


def test_the_role_is_the_one_of_now(ada: Membership) -> None:
    first = login("ada@example.com").json()
    Membership.objects.filter(pk=ada.pk).update(role=Role.VIEWER)
    assert refresh(first["refresh_token"]).json()["user"]["role"] == "viewer"


def test_a_spent_token_used_again_ends_the_session(ada: Membership) -> None:
    tokens = opened(ada)
    second = refresh(tokens.refresh_token).json()
    third = refresh(second["refresh_token"]).json()
    assert_invalid(refresh(tokens.refresh_token))
    assert_invalid(refresh(third["refresh_token"]))
    answer = program(third["access_token"]).get("/api/auth/whoami")
    assert answer.json()["code"] == "token_revoked"


def test_a_lost_answer_is_given_again(ada: Membership) -> None:
    tokens = opened(ada)
    first, again = (refresh(tokens.refresh_token).json() for _ in range(2))
    assert first["refresh_token"] == again["refresh_token"]


@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_have_one_successor() -> None:
    tokens = opened(make_person())
    answers = at_once([lambda: refresh(tokens.refresh_token).json()] * 20)
    successors = {answer.get("refresh_token") for answer in answers if isinstance(answer, dict)}
    assert len(successors - {None}) == 1
    assert RefreshToken.objects.filter(used_at=None).count() == 1


@pytest.mark.parametrize("kind", [GrantKind.PASSWORD, GrantKind.SESSION])
def test_each_door_refreshes_its_own_and_leaves_the_others_alone(ada: Membership, kind: GrantKind) -> None:
    raw = opened(ada, kind).refresh_token
    legacy = Client().post(
        "/auth/v1/token?grant_type=refresh_token", {"refresh_token": raw}, content_type="application/json"
    )
    own, foreign = (legacy, refresh(raw)) if kind == GrantKind.PASSWORD else (refresh(raw), legacy)
    if kind == GrantKind.PASSWORD:
        assert_invalid(foreign)
        assert own.status_code == 200
    else:
        assert_invalid(legacy)
    assert Grant.objects.get().revoked_at is None


@pytest.mark.parametrize(
    "raw", ["", "x", "tsr_rt_", refresh_tokens.PREFIX + "A" * 43, refresh_tokens.PREFIX + "é" * 43]
)
def test_anything_else_is_refused_alike(raw: str) -> None:
    response = refresh(raw)
    if raw:
        assert_invalid(response)
    else:
        assert response.status_code == 400


def test_no_other_kind_of_secret_refreshes(ada: Membership) -> None:
    tokens = opened(ada)
    for raw in (tokens.access_token[:200], make_token(ada).plaintext, ada.organization.publishable_key):
        assert_invalid(refresh(raw))


@pytest.mark.parametrize("end", ["removed", "deactivated", "password", "suspended", "family", "token"])
def test_a_session_ends_with_what_it_hangs_on(ada: Membership, end: str) -> None:
    tokens = opened(ada)
    past = timezone.now() - timedelta(seconds=1)
    if end == "removed":
        ada.delete()
    elif end == "deactivated":
        ada.user.is_active = False
        ada.user.save()
    elif end == "password":
        ada.user.set_password("another-long-passphrase")
        ada.user.save()
    elif end == "suspended":
        ada.organization.suspended_at = past
        ada.organization.save()
    elif end == "family":
        Grant.objects.update(expires_at=past)
    else:
        RefreshToken.objects.update(expires_at=past)
    assert_invalid(refresh(tokens.refresh_token))


def test_invented_refresh_tokens_are_limited_by_address(settings: Any) -> None:
    settings.REFUSALS_PER_MINUTE = 3
    for _ in range(3):
        assert_invalid(refresh(refresh_tokens.PREFIX + opaque.random_text(43)))
    response = refresh(refresh_tokens.PREFIX + opaque.random_text(43))
    assert response.status_code == 429
    assert response.json()["retry_after"] > 0
    tokens = opened(make_person())
    assert refresh(tokens.refresh_token).status_code == 200


def test_signing_out_ends_access_and_refresh(ada: Membership) -> None:
    tokens = opened(ada)
    client = program(tokens.access_token)
    assert client.post("/v1/auth/logout").status_code == 204
    assert client.get("/api/auth/whoami").json()["code"] == "token_revoked"
    assert_invalid(refresh(tokens.refresh_token))
    assert client.post("/v1/auth/logout").status_code == 401


def test_signing_out_leaves_the_persons_other_sessions(ada: Membership) -> None:
    other = session_of(ada)
    session_of(ada).post("/v1/auth/logout")
    assert other.get("/api/auth/whoami").status_code == 200


def test_only_a_person_signs_out(ada: Membership) -> None:
    response = program(make_token(ada)).post("/v1/auth/logout")
    assert response.status_code == 403
    assert response.json()["code"] == "session_required"
    assert Client().post("/v1/auth/logout").status_code == 401
