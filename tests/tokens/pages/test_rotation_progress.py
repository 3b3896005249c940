"""What a token's page and the list show of a rotation, while it runs and afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import finish, rotate

LIST = "/settings/tokens/"


def call(secret: Issued, times: int = 1) -> None:
    for _ in range(times):
        program(secret).get("/api/auth/whoami")


def page_of(token: ServiceAccountToken, member: Membership) -> str:
    return browser_of(member.user).get(f"{LIST}{token.public_id}/").content.decode()


@pytest.fixture
def new(owner: Membership, issued: Issued) -> Issued:
    return rotate(token=issued.token, actor=actor(owner))


def test_an_unused_secret_is_waited_for(owner, new):
    html = page_of(new.token, owner)
    assert "Waiting for the first call with the new secret." in html
    assert "Never used" in html


def test_calls_are_counted_by_secret(owner, issued, new):
    call(issued, 2)
    call(new, 3)
    html = page_of(new.token, owner)
    assert f'Old <code>…{issued.plaintext[-4:]}</code></th><td class="number">2</td>' in html
    assert f'New <code>…{new.plaintext[-4:]}</code></th><td class="number">3</td>' in html
    assert "A program still uses the old secret." in html


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [(300, "A program still uses the old secret."), (301, "Calls come with the new secret only.")],
)
def test_an_old_secret_is_out_of_use_after_five_minutes(owner, issued, new, seconds, sentence):
    now = timezone.now().replace(microsecond=0)
    with time_machine.travel(now, tick=False):
        call(issued)
    with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
        call(new)
        assert sentence in page_of(new.token, owner)


def test_a_rotating_token_is_active_and_says_when_the_overlap_ends(owner, new):
    html = browser_of(owner.user).get(LIST).content.decode()
    assert "Rotating</span>" in html
    assert "ends <time" in html
    assert 'aria-describedby="rotation-heading"' in page_of(new.token, owner)


def test_an_expiring_token_that_rotates_still_says_when_it_expires(owner, new):
    ServiceAccountToken.objects.update(expires_at=timezone.now() + timedelta(days=2))
    assert "ends-now" in browser_of(owner.user).get(LIST).content.decode()
    assert "with either secret" in page_of(new.token, owner)


def test_a_viewer_sees_the_progress_and_cannot_end_it(owner, new):
    html = page_of(new.token, make_member(owner.organization, Role.VIEWER))
    for name in ("End overlap now", "Cancel rotation"):
        assert f'disabled aria-describedby="why-not">{name}</button>' in html


def test_uses_of_the_old_secret_after_the_overlap_are_an_alarm(owner, issued, new):
    finish(token=new.token, actor=actor(owner))
    assert "after its overlap ended" not in page_of(new.token, owner)
    call(issued, 2)
    html = page_of(new.token, owner)
    assert f"<code>…{issued.plaintext[-4:]}</code> was used 2 times after its overlap ended" in html
    assert "<code>127.0.0.1</code> (2)" in html
    revoke(token=new.token, actor=actor(owner))
    assert "after its overlap ended" not in page_of(new.token, owner)


def test_the_number_of_statements_does_not_grow_with_the_rotations(owner, issued):
    browser, counts = browser_of(owner.user), []
    for rotations in (2, 3):
        for _ in range(rotations):
            finish(token=issued.token, actor=actor(owner))
            rotate(token=issued.token, actor=actor(owner))
        call(issued)
        browser.get(LIST)
        with CaptureQueriesContext(connection) as captured:
            browser.get(f"{LIST}{issued.token.public_id}/")
        counts.append(len(captured))
    assert counts[0] == counts[1]
