"""Pausing and resuming on pages: what it affects, when it ends, and what was refused meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, fresh_browser_of, make_member, make_token
from tokens.models import ServiceAccountToken, Status
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.pause import pause, resume
from tokens.service_accounts.revoke import revoke

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
WHOAMI = "/api/auth/whoami"


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


@pytest.fixture
def ci(owner: Membership) -> Issued:
    return make_token(owner, "ci")


def page(ci: Issued, name: str) -> str:
    return reverse(name, args=[ci.token.public_id])


def html(browser: Client, ci: Issued, name: str = "token_detail") -> str:
    return browser.get(page(ci, name)).content.decode()


def stored() -> ServiceAccountToken:
    return ServiceAccountToken.objects.get()


def test_the_page_shows_the_effect_first_and_changes_nothing(browser, ci):
    assert program(ci).get(WHOAMI).status_code == 200
    found = html(browser, ci, "token_pause")
    assert "Pause “ci”?" in found
    assert "<strong>1 call in 24 hours, 1 in 7 days</strong>" in found
    assert stored().paused_at is None


def test_a_pause_and_its_report_and_the_resumption(browser, ci):
    form = {"end": "open", "reason": "Is it needed?"}
    response = browser.post(page(ci, "token_pause"), form, follow=True)
    assert response.redirect_chain == [(page(ci, "token_detail"), 302)]
    found = response.content.decode()
    assert "Paused “ci”. Refused everywhere since " in found
    assert "Paused until it is resumed." in found
    assert "Reason: Is it needed?" in found
    assert "no call was refused: probably no program needs this token." in found
    assert f'<a href="{page(ci, "token_revoke")}">Revoke it</a>' in found

    for _ in range(2):
        assert program(ci).get(WHOAMI).status_code == 401
    found = html(browser, ci)
    assert "2 calls from 1 address were refused." in found
    assert "<code>127.0.0.1</code></th>" in found
    assert ">Revoke it</a>" not in found
    assert "2 calls from 1 address were refused." in html(browser, ci, "token_resume")

    response = browser.post(page(ci, "token_resume"), follow=True)
    assert "Resumed “ci”. Calls with it are accepted again." in response.content.decode()
    assert program(ci).get(WHOAMI).status_code == 200
    found = html(browser, ci)
    assert "Last pause" in found
    assert "2 calls from 1 address were refused." in found


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ({"end": "1h"}, NOON + timedelta(hours=1)),
        ({"end": "24h"}, NOON + timedelta(hours=24)),
        ({"end": "7d"}, NOON + timedelta(days=7)),
        ({"end": "custom", "ends_on": "2026-11-29"}, datetime(2026, 11, 29, tzinfo=UTC)),
        ({"end": "custom", "ends_on": "2027-11-28"}, datetime(2027, 11, 28, tzinfo=UTC)),
    ],
)
def test_each_choice_of_an_end(owner, form, until):
    issued = make_token(owner, expires_in_days=None, now=NOON)
    with time_machine.travel(NOON, tick=False):
        assert browser_of(owner.user).post(page(issued, "token_pause"), form).status_code == 302
    assert stored().paused_until == until


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"end": "for ever"},
        {"end": "keep"},
        {"end": "custom"},
        {"end": "custom", "ends_on": "2020-01-01"},
        {"end": "custom", "ends_on": "9999-12-31"},
        {"end": "custom", "ends_on": "soon"},
        {"end": "open", "reason": "x" * 201},
        {"end": "open", "reason": "a\nb"},
    ],
)
def test_a_wrong_form_is_shown_again_and_pauses_nothing(browser, ci, form):
    response = browser.post(page(ci, "token_pause"), form)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert stored().paused_at is None


def test_a_date_that_is_refused_is_marked_with_the_reason(browser, ci):
    response = browser.post(page(ci, "token_pause"), {"end": "custom", "ends_on": "2020-01-01"})
    found = response.content.decode()
    assert response.context["form"].errors == {
        "ends_on": ["Choose a time in the future, at most 365 days ahead."]
    }
    assert found.count('aria-invalid="true"') == 1


def test_the_pause_of_a_paused_token_is_changed(owner, browser, ci):
    until = datetime.now(UTC) + timedelta(days=2)
    pause(token=ci.token, actor=actor(owner), until=until, reason="First")
    found = html(browser, ci, "token_pause")
    assert "Change the pause of “ci”" in found
    assert 'value="First"' in found
    response = browser.post(page(ci, "token_pause"), {"end": "keep", "reason": "Second"}, follow=True)
    assert "Changed the pause of “ci”." in response.content.decode()
    assert (stored().paused_until, stored().paused_reason) == (until, "Second")


def test_a_repeated_resumption_confirms_and_a_look_says_that_it_is_not_paused(owner, browser, ci):
    assert "“ci” is not paused." in browser.get(page(ci, "token_resume"), follow=True).content.decode()
    assert browser.post(page(ci, "token_resume")).status_code == 302
    assert stored().status(datetime.now(UTC)) is Status.ACTIVE


@pytest.mark.parametrize("name", ["token_pause", "token_resume"])
def test_an_ended_token_leads_back_to_its_page(owner, browser, ci, name):
    revoke(token=ci.token, actor=actor(owner))
    for response in (browser.get(page(ci, name), follow=True), browser.post(page(ci, name), follow=True)):
        assert response.redirect_chain == [(page(ci, "token_detail"), 302)]
        assert "is no longer active, so it cannot be paused or resumed." in response.content.decode()


def test_a_revoked_token_keeps_the_report_of_its_pause(owner, browser, ci):
    pause(token=ci.token, actor=actor(owner))
    program(ci).get(WHOAMI)
    revoke(token=ci.token, actor=actor(owner))
    found = html(browser, ci)
    assert "Last pause" in found
    assert "1 call from 1 address was refused." in found


def test_a_paused_token_can_be_revoked_and_is_paused_in_the_list(owner, browser, ci):
    pause(token=ci.token, actor=actor(owner))
    assert "status-paused" in browser.get("/settings/tokens/").content.decode()
    assert browser.post(page(ci, "token_revoke")).status_code == 302
    assert stored().revoked_at is not None


def test_a_paused_token_is_named_where_it_is_listed_by_use_or_by_member(owner, browser, ci):
    assert program(ci).get(WHOAMI).status_code == 200
    pause(token=ci.token, actor=actor(owner))
    assert "API token, paused" in browser.get("/settings/usage/").content.decode()
    admin = make_member(owner.organization, Role.ADMIN)
    pause(token=make_token(admin).token, actor=actor(owner))
    found = browser.get(f"/settings/members/{admin.public_id}/remove/").content.decode()
    assert '<span class="badge badge-warn">Paused</span>' in found


def test_the_menu_offers_what_is_possible(owner, browser, ci):
    assert page(ci, "token_pause") in html(browser, ci)
    assert page(ci, "token_resume") not in html(browser, ci)
    pause(token=ci.token, actor=actor(owner))
    assert page(ci, "token_resume") in html(browser, ci)
    resume(token=ci.token, actor=actor(owner))
    viewer = browser_of(make_member(owner.organization, Role.VIEWER).user)
    assert page(ci, "token_pause") not in html(viewer, ci)


def test_resuming_asks_for_a_recent_sign_in_before_it_shows_anything(owner, ci):
    pause(token=ci.token, actor=actor(owner))
    for method in ("get", "post"):
        response = getattr(browser_of(owner.user), method)(page(ci, "token_resume"))
        assert response["Location"].startswith("/accounts/reauthenticate/")
    assert stored().resumed_at is None
