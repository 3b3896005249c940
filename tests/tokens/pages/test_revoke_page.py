"""Revoking on pages: what it will hit, what it asks, and that it holds from the next call on."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

BULK = "/settings/tokens/revoke/"


@pytest.fixture
def browser(owner: Membership) -> Client:
    return browser_of(owner.user)


def url_of(token: ServiceAccountToken) -> str:
    return f"/settings/tokens/{token.public_id}/revoke/"


def answer(issued: Issued) -> int:
    return int(program(issued).get("/api/auth/whoami").status_code)


def is_revoked(*tokens: Issued) -> list[bool]:
    found = ServiceAccountToken.objects.in_bulk([issued.token.pk for issued in tokens])
    return [found[issued.token.pk].revoked_at is not None for issued in tokens]


def test_an_unused_token_asks_for_one_click(owner, browser):
    issued = make_token(owner, "ci-deploy")
    html = browser.get(url_of(issued.token)).content.decode()
    assert "Revoke “ci-deploy”?" in html
    assert "Never used" in html
    assert "to confirm" not in html
    response = browser.post(url_of(issued.token), {"reason": "Not needed"})
    assert response["Location"] == f"/settings/tokens/{issued.token.public_id}/"
    token = ServiceAccountToken.objects.get()
    assert (token.revoked_by, token.revoked_reason) == (owner.user, "Not needed")
    assert answer(issued) == 401


def test_looking_changes_nothing(owner, browser):
    issued = make_token(owner)
    browser.get(url_of(issued.token))
    assert is_revoked(issued) == [False]


def test_a_used_token_shows_its_use_and_its_name_is_typed(owner, browser):
    issued = make_token(owner, "ci-deploy")
    assert [answer(issued), answer(issued)] == [200, 200]
    html = browser.get(url_of(issued.token)).content.decode()
    assert "<strong>2 calls in 24 hours, 2 in 7 days</strong>, last <time" in html
    assert ">just now</time> from <code>127.0.0.1</code>." in html
    assert 'Type <strong class="literal">ci-deploy</strong> to confirm' in html
    for typed in ("", "ci-deplo", "CI-DEPLOY"):
        assert browser.post(url_of(issued.token), {"typed": typed}).status_code == 422
    assert is_revoked(issued) == [False]
    assert browser.post(url_of(issued.token), {"typed": "ci-deploy"}).status_code == 302
    assert answer(issued) == 401


def test_a_typed_name_is_compared_with_collapsed_spaces(owner, browser):
    issued = make_token(owner, "nightly  import")
    answer(issued)
    assert browser.post(url_of(issued.token), {"typed": " nightly import "}).status_code == 302


def test_after_7_days_without_a_call_one_click_is_enough_again(owner, browser):
    issued = make_token(owner)
    last = timezone.now() - timedelta(days=7, minutes=1)
    bucket, subject = issued.token.organization_id, issued.token.pk
    DailyUsage.objects.create(bucket=bucket, subject=subject, day=last.date(), calls=1, last_used_at=last)
    html = browser.get(url_of(issued.token)).content.decode()
    assert "No call in 7 days.</strong> Last used <time" in html
    assert "to confirm" not in html
    assert browser.post(url_of(issued.token)).status_code == 302


def test_a_token_whose_child_is_in_use_shows_the_child_and_its_name_is_typed(owner, browser):
    issued = make_token(owner, "parent", ["tokens.manage", "index:read:*"])
    child = make_token(owner, "child")
    ServiceAccountToken.objects.filter(pk=child.token.pk).update(parent=issued.token)
    assert answer(child) == 200
    html = browser.get(url_of(issued.token)).content.decode()
    assert "Never used." in html
    assert "child</a>" in html
    assert 'Type <strong class="literal">parent</strong> to confirm' in html
    assert browser.post(url_of(issued.token)).status_code == 422
    assert is_revoked(issued, child) == [False, False]


def test_it_leads_back_to_where_it_was_asked_for(owner, browser):
    issued = make_token(owner, "ci-deploy")
    response = browser.post(url_of(issued.token), {"back": "list"}, follow=True)
    assert response.redirect_chain == [("/settings/tokens/", 302)]
    assert re.search(
        r"Revoked “ci-deploy”\. Refused everywhere since \d\d:\d\d:\d\d UTC\.", response.content.decode()
    )


def test_no_other_address_is_led_to(owner, browser):
    issued = make_token(owner)
    response = browser.post(url_of(issued.token), {"back": "https://evil.example/"})
    assert response["Location"] == f"/settings/tokens/{issued.token.public_id}/"


def test_a_second_revocation_keeps_the_first_ones_reason(owner, browser):
    issued = make_token(owner)
    revoke(token=issued.token, actor=actor(owner), reason="first")
    response = browser.post(url_of(issued.token), {"reason": "second"})
    assert response.status_code == 302
    assert ServiceAccountToken.objects.get().revoked_reason == "first"


@pytest.mark.parametrize("reason", ["x" * 201, "a\x00b", "a\nb"])
def test_a_bad_reason_is_told_and_revokes_nothing(owner, browser, reason):
    issued = make_token(owner)
    assert browser.post(url_of(issued.token), {"reason": reason}).status_code == 422
    assert is_revoked(issued) == [False]


def test_several_are_shown_with_what_they_hit_together(owner, browser):
    first, second = make_token(owner, "first"), make_token(owner, "second")
    assert [answer(first), answer(second), answer(second)] == [200] * 3
    query = urlencode({"token": [first.token.public_id, second.token.public_id]}, doseq=True)
    html = browser.get(f"{BULK}?{query}").content.decode()
    assert "Revoke 2 tokens?" in html
    assert "<strong>3 calls in 24 hours, 3 in 7 days</strong>" in html
    assert 'Type <strong class="literal">revoke 2</strong> to confirm' in html
    assert is_revoked(first, second) == [False, False]


def test_several_go_at_once(owner, browser):
    tokens = [make_token(owner) for _ in range(3)]
    chosen = [issued.token.public_id for issued in tokens[:2]]
    response = browser.post(BULK, {"token": chosen, "reason": "Spring cleaning"}, follow=True)
    assert "Revoked 2 tokens." in response.content.decode()
    assert is_revoked(*tokens) == [True, True, False]
    assert ServiceAccountToken.objects.filter(revoked_reason="Spring cleaning").count() == 2


def test_several_in_use_have_to_be_confirmed_in_words(owner, browser):
    used, unused = make_token(owner), make_token(owner)
    answer(used)
    chosen = {"token": [used.token.public_id, unused.token.public_id]}
    assert browser.post(BULK, chosen).status_code == 422
    assert is_revoked(used, unused) == [False, False]
    assert browser.post(BULK, chosen | {"typed": "revoke 2"}).status_code == 302
    assert is_revoked(used, unused) == [True, True]


def test_those_that_have_ended_are_left_out_and_said(owner, browser):
    live, ended = make_token(owner, "live"), make_token(owner, "ended")
    revoke(token=ended.token, actor=actor(owner))
    query = urlencode({"token": [live.token.public_id, ended.token.public_id]}, doseq=True)
    html = browser.get(f"{BULK}?{query}").content.decode()
    assert "1 of the ticked ones had already ended and is left out." in html
    assert ">Revoke token</button>" in html.replace("\n", "")


def test_nothing_ticked_leads_back(browser):
    response = browser.get(BULK, follow=True)
    assert response.redirect_chain == [("/settings/tokens/", 302)]
    assert "Tick the tokens that are to be revoked." in response.content.decode()


def test_one_foreign_id_among_several_revokes_none(owner, browser):
    mine, foreign = make_token(owner), make_token(make_member())
    chosen = {"token": [mine.token.public_id, foreign.token.public_id]}
    assert browser.post(BULK, chosen).status_code == 404
    assert browser.post(BULK, {"token": [mine.token.public_id, "tok_x"]}).status_code == 404
    assert is_revoked(mine, foreign) == [False, False]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_cannot_revoke(owner, role):
    issued = make_token(owner)
    browser = browser_of(make_member(owner.organization, role).user)
    assert browser.post(url_of(issued.token)).status_code == 403
    assert browser.post(BULK, {"token": [issued.token.public_id]}).status_code == 403
    assert is_revoked(issued) == [False]


def test_a_form_from_elsewhere_is_refused(owner):
    issued = make_token(owner)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.post(url_of(issued.token)).status_code == 403
    assert is_revoked(issued) == [False]
