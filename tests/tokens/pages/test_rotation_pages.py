"""Rotating a token in Settings: the form, the new secret, the end of the overlap, the cancellation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, fresh_browser_of, make_member, make_token
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import rotate, running

FORM = {"overlap": "86400", "expiration": "keep", "nonce": "n-1"}
SECRET = re.compile(r"tsr_sa_[A-Za-z0-9]{43}")
WHOAMI = "/api/auth/whoami"
PAGES = ("rotate/", "rotated/", "rotation/finish/", "rotation/cancel/")


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def url_of(token: ServiceAccountToken, rest: str = "rotate/") -> str:
    return f"/settings/tokens/{token.public_id}/{rest}"


def rotated(browser: Client, issued: Issued, **fields: str) -> str:
    """Send the form and return the new secret."""
    response = browser.post(url_of(issued.token), FORM | fields, follow=True)
    [secret] = SECRET.findall(response.content.decode())
    return str(secret)


def html_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def status_of(secret: str | Issued) -> int:
    return int(program(secret).get(WHOAMI).status_code)


def test_the_form_proposes_a_day_of_overlap_and_the_present_expiry(browser, issued):
    html = html_of(browser.get(url_of(issued.token)))
    assert 'name="overlap" value="86400" checked' in html
    assert '<option value="keep" selected>Keep the present expiry</option>' in html
    for label in ("Now", "After 1 hour", "After 7 days", "30 minutes after the first use of the new secret"):
        assert f"<strong>{label}</strong>" in html


def test_the_address_may_choose_an_expiry_and_an_overlap(browser, issued):
    html = html_of(browser.get(url_of(issued.token, "rotate/?expires=30&overlap=0")))
    assert '<option value="30" selected>30 days</option>' in html
    assert 'name="overlap" value="0" checked' in html


def test_the_answer_holds_the_new_secret_once_and_both_secrets_work(browser, issued):
    response = browser.post(url_of(issued.token), FORM)
    assert (response.status_code, response["Location"]) == (303, url_of(issued.token, "rotated/"))
    assert response["Cache-Control"] == "no-store"
    html = html_of(browser.get(response["Location"]))
    [secret] = SECRET.findall(html)
    assert '<label for="secret">Your new token</label>' in html
    assert "The old one stays valid until <time" in html
    assert (status_of(issued), status_of(secret)) == (200, 200)
    again = html_of(browser.get(response["Location"], follow=True))
    assert "The secret was shown once." in again
    assert not SECRET.search(again)


def test_without_an_overlap_the_old_secret_is_refused_at_once(browser, issued):
    secret = rotated(browser, issued, overlap="0")
    assert program(issued).get(WHOAMI).json()["code"] == "token_rotated"
    assert status_of(secret) == 200


def test_an_overlap_may_end_by_the_first_use(browser, issued):
    rotated(browser, issued, overlap="first-use")
    found = running(issued.token, timezone.now())
    assert found is not None
    assert found.closes_after_first_use_seconds == 1800
    assert found.ends_at - found.started_at == timedelta(days=7)
    html = html_of(browser.get(url_of(issued.token, "")))
    assert "until 30 minutes after the first call with the new one" in html


def test_the_expiry_stays_or_starts_again(browser, owner):
    kept, renewed = make_token(owner, expires_in_days=5), make_token(owner, expires_in_days=5)
    rotated(browser, kept)
    rotated(browser, renewed, expiration="30")
    now = timezone.now()
    days = [
        round((ServiceAccountToken.objects.get(pk=one.token.pk).expires_at - now) / timedelta(days=1))
        for one in (kept, renewed)
    ]
    assert days == [5, 30]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"overlap": ""}, "Choose when the old secret ends."),
        ({"overlap": "86401"}, "Choose one of the list."),
        ({"expiration": "31"}, "Choose one of the list."),
        ({"expiration": "custom"}, "Choose the date on which the token expires."),
        ({"expiration": "never"}, "This organization&#x27;s policy requires an expiry for every token."),
    ],
)
def test_a_refused_form_says_why_and_rotates_nothing(browser, issued, fields, sentence):
    Organization.objects.update(never_expiring_allowed=False)
    assert sentence in html_of(browser.post(url_of(issued.token), FORM | fields), 422)
    assert TokenSecret.objects.count() == 1


def test_a_form_sent_twice_rotates_once(browser, issued):
    rotated(browser, issued)
    response = browser.post(url_of(issued.token), FORM, follow=True)
    assert response.redirect_chain == [(url_of(issued.token, ""), 302)]
    assert "The token was rotated once" in response.content.decode()
    assert TokenSecret.objects.count() == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_second_rotation_waits_for_the_end_of_the_first(browser, owner, issued, method):
    rotate(token=issued.token, actor=actor(owner))
    response = getattr(browser, method)(url_of(issued.token), FORM, follow=True)
    assert "A rotation of this token is in progress." in response.content.decode()
    assert TokenSecret.objects.count() == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_revoked_token_is_not_rotated(browser, owner, issued, method):
    revoke(token=issued.token, actor=actor(owner))
    response = getattr(browser, method)(url_of(issued.token), FORM, follow=True)
    assert "it cannot be rotated" in response.content.decode()
    assert TokenSecret.objects.count() == 1


def test_a_member_who_holds_less_than_the_token_does_not_see_its_secret(owner):
    token = make_token(owner, permissions=["*:*:*"]).token
    browser = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    html = html_of(browser.get(url_of(token)))
    assert "This token may do more than you: <code>*:*:*</code>" in html
    assert "Rotate token</button>" not in html
    assert browser.post(url_of(token), FORM).status_code == 403
    assert TokenSecret.objects.count() == 1


def test_a_suspended_organization_rotates_nothing(browser, issued):
    Organization.objects.update(suspended_at=timezone.now())
    html_of(browser.post(url_of(issued.token), FORM), 403)
    assert TokenSecret.objects.count() == 1


@pytest.mark.parametrize("page", PAGES)
def test_only_members_who_manage_tokens_of_this_organization_open_the_pages(owner, issued, page):
    viewer = fresh_browser_of(make_member(owner.organization, Role.VIEWER).user)
    assert viewer.get(url_of(issued.token, page)).status_code == 403
    stranger = fresh_browser_of(make_member().user)
    unknown = f"/settings/tokens/{typeid.encode('tok', typeid.new())}/{page}"
    found = [stranger.get(address).status_code for address in (url_of(issued.token, page), unknown)]
    assert found == [404, 404]


def test_ending_the_overlap_refuses_the_old_secret(owner, issued):
    secret = rotate(token=issued.token, actor=actor(owner)).plaintext
    browser = browser_of(owner.user)
    assert "The new secret has not been used yet." in html_of(
        browser.get(url_of(issued.token, "rotation/finish/"))
    )
    response = browser.post(url_of(issued.token, "rotation/finish/"), follow=True)
    assert "The overlap has ended." in response.content.decode()
    assert (status_of(issued), status_of(secret)) == (401, 200)


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        (0, "The new secret has not been used yet, so no program stops."),
        (1, "The new secret was already used,"),
    ],
)
def test_cancelling_says_whether_the_new_secret_was_used_and_refuses_it(owner, issued, calls, sentence):
    secret = rotate(token=issued.token, actor=actor(owner)).plaintext
    for _ in range(calls):
        status_of(secret)
    browser = fresh_browser_of(owner.user)
    assert sentence in html_of(browser.get(url_of(issued.token, "rotation/cancel/")))
    response = browser.post(url_of(issued.token, "rotation/cancel/"), follow=True)
    assert "The rotation is cancelled." in response.content.decode()
    assert (status_of(issued), status_of(secret)) == (200, 401)


@pytest.mark.parametrize("page", ["rotation/finish/", "rotation/cancel/"])
def test_without_a_rotation_there_is_nothing_to_end(browser, issued, page):
    for method in (browser.get, browser.post):
        response = method(url_of(issued.token, page), follow=True)
        assert "No rotation of this token is in progress." in response.content.decode()
    assert status_of(issued) == 200


def test_cancelling_asks_for_a_recent_sign_in_before_it_shows_anything(owner, issued):
    rotate(token=issued.token, actor=actor(owner))
    for method in ("get", "post"):
        response = getattr(browser_of(owner.user), method)(url_of(issued.token, "rotation/cancel/"))
        assert response["Location"].startswith("/accounts/reauthenticate/")
    assert running(issued.token, timezone.now()) is not None
