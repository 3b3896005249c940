"""Settings → API tokens → Edit: metadata and the token's own limit; names are in test_token_page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from tests.support.people import browser_of, fresh_browser_of, make_token
from tests.support.team import changes
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
ROWS = {"metadata_name": ["customer", ""], "metadata_value": ["42", ""]}


@pytest.fixture
def token(owner: Membership) -> ServiceAccountToken:
    return make_token(owner, "sync", metadata={"customer": "4711", "env": "test"}, requests_per_day=5).token


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def url(token: ServiceAccountToken, page: str = "edit/") -> str:
    return f"/settings/tokens/{token.public_id}/{page}"


def stored(token: ServiceAccountToken) -> tuple[Any, ...]:
    token.refresh_from_db()
    return token.name, token.metadata, token.requests_per_day


def test_it_shows_what_is_stored_and_two_empty_rows(browser: Client, token: ServiceAccountToken) -> None:
    html = browser.get(url(token)).content.decode()
    assert html.count('name="metadata_name"') == 4
    assert 'value="4711"' in html
    assert 'maxlength="10" value="5"' in html


def test_a_full_list_has_no_empty_row(browser: Client, owner: Membership) -> None:
    full = make_token(owner, metadata={f"n{number}": "x" for number in range(20)}).token
    assert browser.get(url(full)).content.decode().count('name="metadata_name"') == 20


def test_metadata_and_the_limit_are_saved(browser: Client, token: ServiceAccountToken) -> None:
    answer = browser.post(url(token), {"name": "sync", "requests_per_day": "", **ROWS})
    assert answer.status_code == 302
    assert stored(token) == ("sync", {"customer": "42"}, None)
    assert changes(token.organization, "token.updated") == [
        {"metadata.customer": ["4711", "42"], "metadata.env": ["test", None], "requestsPerDay": [5, None]}
    ]


def test_a_field_that_was_not_sent_stays(browser: Client, token: ServiceAccountToken) -> None:
    browser.post(url(token), {"name": "other"})
    assert stored(token) == ("other", {"customer": "4711", "env": "test"}, 5)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"metadata_name": ["a", "a"], "metadata_value": ["1", "2"]}, "“a” is there twice."),
        ({"metadata_name": [""], "metadata_value": ["1"]}, "“” is not a name."),
        ({"metadata_name": ["a"] * 21, "metadata_value": ["x"] * 21}, "“a” is there twice."),
        ({"metadata_name": ["a"], "metadata_value": ["x" * 201]}, "at most 200 characters"),
        ({"metadata_name": ["a"], "metadata_value": ["x\x07"]}, "control or text-direction characters"),
    ],
)
def test_wrong_rows_are_shown_again_with_a_sentence(
    browser: Client, token: ServiceAccountToken, rows: dict[str, list[str]], sentence: str
) -> None:
    answer = browser.post(url(token), {"name": "sync", "requests_per_day": "5", **rows})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert stored(token) == ("sync", {"customer": "4711", "env": "test"}, 5)


def test_an_ended_token_keeps_its_limit(browser: Client, token: ServiceAccountToken) -> None:
    ServiceAccountToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    assert 'name="requests_per_day"' not in browser.get(url(token)).content.decode()
    browser.post(url(token), {"name": "old", "requests_per_day": "9", **ROWS})
    assert stored(token) == ("old", {"customer": "42"}, 5)


def test_a_change_of_metadata_asks_for_a_recent_sign_in(
    owner: Membership, token: ServiceAccountToken
) -> None:
    answer = browser_of(owner.user).post(url(token), {"name": "sync", **ROWS})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert stored(token)[1] == {"customer": "4711", "env": "test"}


def test_the_tokens_page_shows_them(browser: Client, token: ServiceAccountToken) -> None:
    html = browser.get(url(token, "")).content.decode()
    assert "5 requests a day" in html
    assert "<dt><code>customer</code></dt><dd>4711</dd>" in html
