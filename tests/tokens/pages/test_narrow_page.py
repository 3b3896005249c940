"""Settings → API tokens → Narrow: boxes to untick, an earlier date, a review, and the change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token
from tests.support.usage import did
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.update import update

pytestmark = pytest.mark.django_db
HELD = ["index:read:7", "index:write:8", "tokens.manage"]


@pytest.fixture
def issued(owner: Membership) -> Issued:
    return make_token(owner, "sync", HELD)


@pytest.fixture
def browser(owner: Membership) -> Client:
    return browser_of(owner.user)


def url(issued: Issued, page: str = "narrow/") -> str:
    return f"/settings/tokens/{issued.token.public_id}/{page}"


def day(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def review(browser: Client, issued: Issued, *kept: str, expires_on: str = "") -> tuple[int, str]:
    query = {"review": "1", "permissions": kept, "expires_on": expires_on}
    answer = browser.get(url(issued), query)
    return answer.status_code, answer.content.decode()


def test_every_permission_is_ticked_as_it_was_granted(browser: Client, issued: Issued) -> None:
    html = browser.get(url(issued)).content.decode()
    for text in HELD:
        assert f'name="permissions" value="{text}" checked' in html
    assert f'min="{day(1)}" max="{issued.token.expires_at:%Y-%m-%d}"' in html


def test_the_review_says_what_remains_and_changes_nothing(browser: Client, issued: Issued) -> None:
    child = program(issued).post(
        "/api/v1/tokens", {"name": "the-child", "permissions": HELD, "expiresInDays": 1}
    )
    assert child.status_code == 201
    status, html = review(browser, issued, "index:read:7", expires_on=day(3))
    assert status == 200
    assert "This token can read indexes (only 7), and nothing else." in html
    assert '<code class="chip">index:write:8</code>' in html
    assert "the-child" in html
    assert "used" in html.lower()
    issued.token.refresh_from_db()
    assert issued.token.permissions == HELD


def test_it_shows_the_calls_that_would_have_been_refused(browser: Client, issued: Issued) -> None:
    required = {"index:read:7": 12, "index:write:8": 1_234, "tokens.view": 3, "": 9}
    did(issued.token, timezone.now() - timedelta(days=1), permissions=required)
    did(issued.token, timezone.now() - timedelta(days=40), permissions={"index:read:8": 5})
    _, html = review(browser, issued, "index:read:7")
    assert "<code>index:write:8</code> 1,234 calls" in html
    assert "<code>tokens.view</code> 3 calls" in html
    assert "<code>index:read:" not in html
    assert "9 calls needed permissions that are not known by name." in html
    _, html = review(browser, issued, *HELD, expires_on=day(3))
    assert "Last 30 days" not in html


@pytest.mark.parametrize(
    ("required", "sentence"),
    [
        ({"index:read:7": 1}, "No call needed what you remove, so none would have been refused."),
        ({}, "No call needed a permission, so nothing shows what would be refused."),
    ],
)
def test_it_says_that_no_call_would_have_been_refused(
    browser: Client, issued: Issued, required: dict[str, int], sentence: str
) -> None:
    did(issued.token, timezone.now(), permissions=required)
    assert sentence in review(browser, issued, "index:read:7")[1]


def test_each_box_has_its_use_and_a_change_after_the_review_keeps_the_ticks(
    browser: Client, issued: Issued
) -> None:
    did(issued.token, timezone.now(), permissions={"index:read:7": 2})
    _, html = review(browser, issued, "index:read:7")
    change = "?permissions=index%3Aread%3A7&amp;expires_on="
    assert f'href="{change}">Change</a>' in html
    html = browser.get(url(issued) + change.replace("&amp;", "&")).content.decode()
    assert html.count("checked") == 1
    assert 'value="index:read:7" checked' in html
    assert "2 calls in 30 days" in html
    assert html.count("not used in 30 days") == 2


def test_it_narrows(browser: Client, issued: Issued) -> None:
    form = {"permissions": ["index:read:7", "tokens.manage"], "expires_on": day(3)}
    answer = browser.post(url(issued), form, follow=True)
    assert "Narrowed “sync”." in answer.content.decode()
    issued.token.refresh_from_db()
    assert issued.token.permissions == ["index:read:7", "tokens.manage"]
    expected = datetime.combine(datetime.fromisoformat(day(3)), time(), UTC)
    assert issued.token.expires_at == expected


def test_a_token_without_an_expiry_gets_one(browser: Client, owner: Membership) -> None:
    endless = make_token(owner, permissions=HELD, expires_in_days=None)
    assert browser.post(url(endless), {"permissions": HELD, "expires_on": day(364)}).status_code == 302
    endless.token.refresh_from_db()
    assert f"{endless.token.expires_at:%Y-%m-%d}" == day(364)


@pytest.mark.parametrize(
    ("kept", "days", "sentence"),
    [
        (HELD, None, "Untick a permission, or choose an earlier expiry."),
        ([], None, "Keep at least one permission. To end the token, revoke it."),
        (HELD[:1], 0, "Choose a date from"),
        (HELD[:1], 92, "Choose a date from"),
        ([*HELD, "index:read:*"], 1, "The token does not hold index:read:* any more."),
        (["index:read:7"], "soon", "Write the date as year-month-day"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(
    browser: Client, issued: Issued, kept: list[str], days: int | str | None, sentence: str
) -> None:
    expires_on = day(days) if isinstance(days, int) else days or ""
    status, html = review(browser, issued, *kept, expires_on=expires_on)
    posted = browser.post(url(issued), {"permissions": kept, "expires_on": expires_on})
    assert (status, posted.status_code) == (422, 422)
    assert sentence in html
    assert sentence in posted.content.decode()
    issued.token.refresh_from_db()
    assert issued.token.permissions == HELD


def test_a_token_that_ended_is_not_narrowed(browser: Client, issued: Issued) -> None:
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(revoked_at=timezone.now())
    for answer in (browser.get(url(issued), follow=True), browser.post(url(issued), follow=True)):
        assert "there is nothing to narrow" in answer.content.decode()
    assert "/narrow/" not in browser.get(url(issued, "")).content.decode()


def test_a_change_meanwhile_is_told_on_the_page(
    browser: Client, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost_the_race(**changes: object) -> ServiceAccountToken:
        ServiceAccountToken.objects.filter(pk=issued.token.pk).update(permissions=["tokens.manage"])
        return update(**changes)  # type: ignore[arg-type]

    monkeypatch.setattr("tokens.pages.token_narrow.update", lost_the_race)
    answer = browser.post(url(issued), {"permissions": ["index:read:7"]})
    assert answer.status_code == 422
    assert "The token does not hold index:read:7." in answer.content.decode()


def test_a_viewer_finds_no_way_there(owner: Membership, issued: Issued) -> None:
    viewer = browser_of(make_member(owner.organization, Role.VIEWER).user)
    assert viewer.get(url(issued)).status_code == 403
    assert "/narrow/" not in viewer.get(url(issued, "")).content.decode()
