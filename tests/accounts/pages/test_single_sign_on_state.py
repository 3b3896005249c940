"""A sign-in at a provider ends in the browser, and at the provider, where it was begun, once."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.internal import statekit
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.accounts.authentication.sign_in_by import begin, come_back, google, is_inside, microsoft
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.support.people import make_member

__all__ = ["google", "microsoft"]
pytestmark = pytest.mark.django_db


def assert_lost(response: HttpResponse, browser: Client) -> None:
    assert response.status_code == 400
    assert b"Start again" in response.content
    assert not is_inside(browser)


def test_the_way_begins_with_a_form_of_ours(google: FakeProvider) -> None:
    assert Client().get("/accounts/google/login/").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/accounts/google/login/").status_code == 403


@pytest.mark.parametrize("state", [{}, {"state": ""}, {"state": "another"}])
def test_no_state_of_this_browser_is_a_new_start(
    state: dict[str, str], google: FakeProvider, client: Client
) -> None:
    answer = google.approve(begin(client))
    assert_lost(come_back(client, {"code": answer["code"]} | state), client)
    assert google.forms == []


def test_a_browser_that_has_begun_nothing_is_lost(google: FakeProvider, client: Client) -> None:
    assert_lost(come_back(client, {"code": "a-code", "state": "a-state"}), client)


def test_another_browsers_answer_is_not_taken(google: FakeProvider, client: Client) -> None:
    answer = google.approve(begin(client))
    victim = Client()
    assert_lost(come_back(victim, answer), victim)
    begin(victim)
    assert_lost(come_back(victim, answer), victim)
    assert google.forms == []


def test_another_providers_answer_is_not_taken(
    google: FakeProvider, microsoft: FakeProvider, client: Client
) -> None:
    answer = google.approve(begin(client))
    assert_lost(come_back(client, answer, "microsoft"), client)
    assert microsoft.forms == []


def test_an_answer_is_good_once(google: FakeProvider, client: Client) -> None:
    answer = google.approve(begin(client))
    assert come_back(client, answer).status_code == 302
    client.post("/accounts/logout/")
    assert_lost(come_back(client, answer), client)


def test_an_answer_that_failed_is_used_up_too(google: FakeProvider, client: Client) -> None:
    answer = google.approve(begin(client))
    google.claims["nonce"] = "another"
    assert come_back(client, answer).status_code == 400
    del google.claims["nonce"]
    assert_lost(come_back(client, answer), client)


def test_an_answer_that_took_too_long_is_not_taken(
    google: FakeProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = google.approve(begin(client))
    monkeypatch.setattr(statekit, "STATE_TTL", -1)
    assert_lost(come_back(client, answer), client)


def test_another_sign_ins_code_fails_at_the_provider(google: FakeProvider, client: Client) -> None:
    """What an attacker began elsewhere was begun with another verifier."""
    stolen = google.approve(begin(Client()))
    own = google.approve(begin(client))
    response = come_back(client, {"code": stolen["code"], "state": own["state"]})
    assert (response.status_code, is_inside(client)) == (400, False)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "access_denied"}, b"Nothing was done"),
        ({"error": "server_error", "error_description": "<script>alert(1)</script>"}, b"not signed in"),
        ({}, b"not signed in"),
        ({"code": ""}, b"not signed in"),
        ({"code": "x" * 3000, "error": "login_required"}, b"not signed in"),
    ],
)
def test_a_provider_that_refuses_gets_a_page(
    answer: dict[str, str], said: bytes, google: FakeProvider, client: Client
) -> None:
    state = google.approve(begin(client))["state"]
    response = come_back(client, {"state": state} | answer)
    assert (response.status_code, said in response.content) == (400, True)
    assert b"<script>alert" not in response.content
    assert google.forms == []


def test_a_person_who_is_inside_is_not_signed_in_as_another(google: FakeProvider, client: Client) -> None:
    answer = google.approve(begin(client))
    member = make_member()
    states: Any = client.session["socialaccount_states"]
    client.force_login(member.user)
    inside = client.session
    inside["socialaccount_states"] = states
    inside.save()
    come_back(client, answer)
    assert client.session["_auth_user_id"] == str(member.user.pk)
