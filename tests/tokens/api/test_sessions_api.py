"""GET and DELETE /v1/auth/sessions: a person's sessions, listed and ended from any of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import PASSWORD, make_token
from tests.support.sessions import join, login, make_person, opened, refresh, session_of
from tokens.models import Grant, GrantKind, RefreshToken

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PATH = "/v1/auth/sessions"


@pytest.fixture
def ada() -> Membership:
    return make_person(email="ada@example.com")


def listed(client: Any) -> list[dict[str, Any]]:
    response = client.get(PATH)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_a_session_tells_device_address_and_last_use(ada: Membership) -> None:
    browser = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="192.0.2.7")
    login("ada@example.com", client=browser)
    old = opened(ada, GrantKind.PASSWORD, user_agent="curl/8.5.0", now=timezone.now() - timedelta(hours=1))
    newest, client = Grant.objects.get(kind=GrantKind.SESSION), program(old.access_token)
    client.get("/api/auth/whoami", REMOTE_ADDR="192.0.2.99")
    second, first = sorted(listed(session_of(ada)), key=lambda one: one["createdAt"], reverse=True)[1:]
    assert second == {
        "id": newest.public_id,
        "device": "Firefox on Windows",
        "userAgent": FIREFOX,
        "address": "192.0.2.7",
        "createdAt": second["createdAt"],
        "lastSeenAt": second["createdAt"],
        "expiresAt": second["expiresAt"],
        "current": False,
        "organization": {"id": ada.organization.public_id, "name": ada.organization.name},
    }
    assert (first["device"], first["address"]) == ("curl 8.5.0", "192.0.2.99")
    assert first["lastSeenAt"] > first["createdAt"]


def test_the_one_that_asks_is_marked(ada: Membership) -> None:
    tokens = opened(ada)
    opened(ada)
    marks = {one["id"]: one["current"] for one in listed(program(tokens.access_token))}
    assert len(marks) == 2
    assert [pk for pk, current in marks.items() if current] == [tokens.grant.public_id]


def test_only_ones_own_are_listed_whatever_the_organization(ada: Membership) -> None:
    opened(make_person(ada.organization))
    elsewhere = opened(join(ada.user))
    client = session_of(ada)
    assert {one["id"] for one in listed(client)} >= {elsewhere.grant.public_id}
    assert len(listed(client)) == 2


@pytest.mark.parametrize("end", ["revoked", "expired", "password", "idle", "removed"])
def test_what_ended_is_not_listed(ada: Membership, end: str) -> None:
    other = join(ada.user)
    dead = Grant.objects.filter(pk=opened(other).grant.pk)
    past = timezone.now() - timedelta(seconds=1)
    if end == "revoked":
        dead.update(revoked_at=past)
    elif end == "expired":
        dead.update(expires_at=past)
    elif end == "password":
        dead.update(password_version=99)
    elif end == "idle":
        RefreshToken.objects.filter(grant__in=dead).update(expires_at=past)
    else:
        other.delete()
    assert len(listed(session_of(ada))) == 1


def test_ending_one_ends_its_access_and_refresh_and_may_be_repeated(ada: Membership) -> None:
    stolen, client = opened(ada), session_of(ada)
    for _ in range(2):
        assert client.delete(f"{PATH}/{stolen.grant.public_id}").status_code == 204
    assert program(stolen.access_token).get("/api/auth/whoami").json()["code"] == "token_revoked"
    assert refresh(stolen.refresh_token).json()["code"] == "invalid_refresh_token"
    assert client.get("/api/auth/whoami").status_code == 200


def test_anothers_session_is_not_found(ada: Membership) -> None:
    theirs = opened(make_person(ada.organization))
    client = session_of(ada)
    answers = [
        client.delete(f"{PATH}/{name}")
        for name in (theirs.grant.public_id, typeid.encode("ses", typeid.new()), "ses_x", ada.public_id)
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert program(theirs.access_token).get("/api/auth/whoami").status_code == 200


def test_ending_all_others_leaves_the_one_that_asks(ada: Membership) -> None:
    others = [opened(ada), opened(join(ada.user)), opened(ada, GrantKind.PASSWORD)]
    colleague, client = session_of(make_person(ada.organization)), session_of(ada)
    assert client.delete(PATH).status_code == 204
    for other in others:
        assert program(other.access_token).get("/api/auth/whoami").status_code == 401
    assert client.get("/api/auth/whoami").status_code == 200
    assert colleague.get("/api/auth/whoami").status_code == 200


def test_ending_all_ends_the_one_that_asks_as_well(ada: Membership) -> None:
    client = session_of(ada)
    assert client.delete(f"{PATH}?all=maybe").status_code == 400
    assert client.delete(f"{PATH}?all=true").status_code == 204
    assert client.get("/api/auth/whoami").json()["code"] == "token_revoked"
    assert login("ada@example.com", PASSWORD).status_code == 200


def test_pages_follow_each_other(ada: Membership) -> None:
    client = session_of(ada)
    for _ in range(4):
        opened(ada)
    first = client.get(f"{PATH}?limit=3").json()
    second = client.get(first["next"]).json()
    assert [len(page["results"]) for page in (first, second)] == [3, 2]
    assert second["next"] is None


def test_a_program_has_no_sessions(ada: Membership) -> None:
    client = program(make_token(ada, permissions=["*:*:*"]))
    for response in (client.get(PATH), client.delete(PATH), client.delete(f"{PATH}/ses_x")):
        assert response.status_code == 403
        assert response.json()["code"] == "session_required"


def test_the_list_asks_as_often_for_ten_as_for_two(
    ada: Membership, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    client = session_of(ada)
    for _ in range(9):
        opened(ada)
    # 1: the bearer; 2: the sessions with their organizations; 3, 4: their usage
    with django_assert_max_num_queries(4):
        client.get(PATH)


def test_a_request_of_a_session_asks_the_database_once(
    ada: Membership, django_assert_num_queries: Any
) -> None:
    client = session_of(ada)
    client.get("/api/auth/whoami")
    with django_assert_num_queries(1):
        client.get("/api/auth/whoami")
