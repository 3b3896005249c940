"""Settings → API tokens → Create token: the form, what fills it in, and what it refuses."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import fresh_browser_of, make_member, make_organization, make_token
from tests.tokens.service_accounts.many import make_many
from tokens.models import ServiceAccountToken

URL = "/settings/tokens/new/"
GOOD: dict[str, Any] = {
    "name": "ci-deploy",
    "expiration": "90",
    "permissions": ["index:read:*"],
    "nonce": "n-1",
}


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def made(browser: Client, **fields: Any) -> ServiceAccountToken:
    """The token that a form with these fields makes."""
    response = browser.post(URL, GOOD | fields)
    assert response.status_code == 303, response.content.decode()
    return ServiceAccountToken.objects.latest("created_at")


def refused(browser: Client, status: int = 422, **fields: Any) -> str:
    """The page that answers a form which makes nothing."""
    before = ServiceAccountToken.objects.count()
    response = browser.post(URL, GOOD | fields)
    assert response.status_code == status
    assert ServiceAccountToken.objects.count() == before
    return response.content.decode()


def test_the_form_suggests_a_free_name_and_ninety_days(owner, browser):
    make_token(owner, "service-1")
    html = browser.get(URL).content.decode()
    assert 'value="service-2"' in html
    assert '<option value="90" selected>90 days</option>' in html


def test_each_preset_says_which_date_it_results_in(browser):
    html = browser.get(URL).content.decode()
    for days in (7, 30, 60, 90, 180, 365):
        day = (timezone.now() + timedelta(days=days)).astimezone(UTC)
        assert f"{day.day} {day:%B %Y}" in html
    assert "UTC</time>" in html


def test_a_check_box_is_named_by_its_permission(browser):
    html = browser.get(URL).content.decode()
    assert 'id="p-index:read:*" name="permissions"' in html
    assert 'aria-labelledby="n-index:read:*"' in html
    assert 'id="n-index:read:*"><code>index:read:*</code></label>' in html


def test_it_makes_what_the_form_says(owner, browser):
    token = made(browser, description="Runs\r\nnightly", permissions=["index:read:*", "usage.view"])
    assert (token.name, token.description) == ("ci-deploy", "Runs\nnightly")
    assert token.permissions == ["index:read:*", "usage.view"]
    assert token.created_by == owner.user
    assert token.expires_at == token.created_at + timedelta(days=90)


def test_identifiers_narrow_a_permission(browser):
    token = made(browser, **{"only:index:read:*": "018f-a, 018f-b"})
    assert token.permissions == ["index:read:018f-a", "index:read:018f-b"]


def test_a_narrow_permission_may_be_sent_as_it_is(browser):
    assert made(browser, permissions=["index:read:42"]).permissions == ["index:read:42"]


def test_a_custom_date_is_the_day_it_ends_on(browser):
    day = (timezone.now() + timedelta(days=10)).astimezone(UTC).date()
    token = made(browser, expiration="custom", expires_on=day.isoformat())
    assert token.expires_at is not None
    assert token.expires_at.date() == day


def test_it_may_live_for_ever_where_the_policy_allows_it(owner, browser):
    assert made(browser, expiration="never").expires_at is None
    owner.organization.never_expiring_allowed = False
    owner.organization.save()
    assert "every token to expire" in refused(browser, name="another", nonce="n-2", expiration="never")
    assert 'value="never"' not in browser.get(URL).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Give the token a name."),
        ({"name": "   "}, "Give the token a name."),
        ({"name": "x" * 101}, "A name has at most 100 characters."),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        ({"name": "a\nb"}, "control or text-direction characters"),
        ({"name": "\u202egnp.exe"}, "control or text-direction characters"),
        ({"description": "x" * 501}, "A description has at most 500 characters."),
        ({"description": "a\x00b"}, "Null characters are not allowed."),
        ({"permissions": []}, "Choose at least one permission."),
        ({"permissions": ["rockets:launch:*"]}, "There is no permission rockets:launch:*."),
        ({"permissions": ["*:*:*"]}, "There is no permission *:*:*."),
        ({"permissions": ["\x00"]}, "There is no permission"),
        ({"only:index:read:*": "a/b"}, "“a/b” is not an identifier"),
        ({"only:index:read:*": "x" * 201}, "is not an identifier"),
        ({"only:index:read:*": " ".join(map(str, range(101)))}, "A token holds at most 100 permissions."),
        ({"expiration": ""}, "Choose when the token expires."),
        ({"expiration": "31"}, "Choose one of the list."),
        ({"expiration": "custom"}, "Choose the date on which the token expires."),
        ({"expiration": "custom", "expires_on": "soon"}, "Write the date as year-month-day"),
        ({"expiration": "custom", "expires_on": "2020-01-01"}, "the longest lifetime is a year"),
        ({"expiration": "custom", "expires_on": "9999-12-31"}, "the longest lifetime is a year"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_beside_its_field(browser, fields, sentence):
    assert sentence in refused(browser, **fields)


def test_a_refused_form_keeps_what_was_written(browser):
    html = refused(browser, name="", description="Runs nightly", expiration="30", permissions=["usage.view"])
    assert "Runs nightly" in html
    assert '<option value="30" selected>' in html
    assert 'value="usage.view" autocomplete="off" checked' in html
    assert 'value="n-1"' in html
    assert "This token can view usage, and nothing else." in html


def test_the_name_of_an_active_token_is_taken(owner, browser):
    make_token(owner, "ci-deploy")
    assert "An active token of this name exists already." in refused(browser)


def test_the_fifty_first_is_refused(owner, browser):
    make_many(owner, settings.ACTIVE_TOKENS_PER_ORGANIZATION)
    assert "All 50 active tokens are taken" in browser.get(URL).content.decode()
    assert "The organization has 50 active tokens" in refused(browser, status=409)


def test_nobody_grants_what_they_do_not_hold(owner):
    browser = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    html = browser.get(URL).content.decode()
    assert 'value="account:admin:*" autocomplete="off" disabled' in html
    assert "You do not hold this yourself." in html
    html = refused(browser, status=403, permissions=["account:admin:*"])
    assert "You do not hold account:admin:* yourself, so you cannot grant it." in html


def test_one_who_holds_a_permission_narrowly_grants_it_narrowly(owner):
    admin = make_member(owner.organization, Role.ADMIN, permissions=["account:admin:eu"])
    browser = fresh_browser_of(admin.user)
    assert "You hold this for eu only." in browser.get(URL).content.decode()
    refused(browser, status=403, permissions=["account:admin:*"])
    narrow = made(browser, permissions=["account:admin:*"], **{"only:account:admin:*": "eu"})
    assert narrow.permissions == ["account:admin:eu"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_cannot_create(owner, role):
    browser = fresh_browser_of(make_member(owner.organization, role).user)
    assert browser.get(URL).status_code == 403
    assert browser.post(URL, GOOD).status_code == 403
    assert not ServiceAccountToken.objects.exists()


def test_an_address_fills_the_form_in(browser):
    query = "?name=orders&description=Sync&expires=30&permission=usage.view&permission=index:read:7"
    html = browser.get(URL + query).content.decode()
    assert 'value="orders"' in html
    assert ">Sync</textarea>" in html
    assert '<option value="30" selected>' in html
    assert "This token can view usage, read indexes (only 7), and nothing else." in html


def test_an_address_fills_in_the_limit_and_no_part_of_a_secret(browser):
    query = f"?name=tsr_sa_{'a' * 43}&description=Bearer+{'b' * 40}&expiration=7&requests_per_day=500"
    html = browser.get(URL + query).content.decode()
    assert '<option value="7" selected>' in html
    assert 'name="requests_per_day" type="text" inputmode="numeric" maxlength="10" value="500"' in html
    assert '<details class="more optional-fields" open>' in html
    assert 'value="service-1"' in html
    assert "></textarea>" in html
    assert '<details class="more optional-fields">' in browser.get(URL).content.decode()


def test_metadata_and_a_limit_are_created_with_the_token(browser):
    rows = {"metadata_name": ["customer", "", "env"], "metadata_value": [" 4711 ", "", "test"]}
    assert browser.post(URL, GOOD | rows | {"requests_per_day": "500"}).status_code == 303
    token = ServiceAccountToken.objects.get()
    assert token.metadata == {"customer": "4711", "env": "test"}
    assert token.requests_per_day == 500


def test_wrong_metadata_is_shown_again_with_its_error(browser):
    rows = {"metadata_name": ["a b", "x"], "metadata_value": ["1", "kept"]}
    answer = browser.post(URL, GOOD | rows | {"requests_per_day": "0"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "“a b” is not a name. Use 1 to 40 letters, digits, -, _ and dots." in html
    assert "Write a whole number from 1 to 1000000000, or nothing." in html
    assert 'value="kept"' in html
    assert not ServiceAccountToken.objects.exists()


@pytest.mark.parametrize(
    ("preset", "ticked", "unticked"),
    [
        ("read-only", "index:read:*", "index:write:*"),
        ("ci", "index:write:*", "tokens.manage"),
        ("full", "tokens.manage", None),
        ("nonsense", None, "index:read:*"),
    ],
)
def test_a_preset_ticks_its_boxes(browser, preset, ticked, unticked):
    html = browser.get(f"{URL}?preset={preset}").content.decode()
    if ticked:
        assert f'value="{ticked}" autocomplete="off" checked' in html
    if unticked:
        assert f'value="{unticked}" autocomplete="off" checked' not in html


def test_a_form_from_elsewhere_is_refused(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.post(URL, GOOD).status_code == 403
    assert not ServiceAccountToken.objects.exists()


def test_a_preset_keeps_what_was_typed(browser):
    typed = {"name": "orders", "description": "Nightly", "expiration": "30", "only:index:read:*": "shop-1"}
    html = browser.post(URL, typed | {"preset": "read-only", "nonce": "n", "permissions": ["index:read:*"]})
    assert html.status_code == 200
    page = html.content.decode()
    for text in ('value="orders"', ">Nightly</textarea>", 'value="30" selected', 'value="shop-1"'):
        assert text in page
    assert 'value="usage.view" autocomplete="off" checked' in page
    assert 'value="events:write:*" autocomplete="off" checked' not in page
    assert not ServiceAccountToken.objects.exists()


def test_a_name_that_is_taken_is_reported_with_the_other_mistakes(browser):
    made(browser, nonce="")
    page = refused(browser, nonce="", permissions=[])
    assert "An active token of this name exists already." in page
    assert "Choose at least one permission." in page
    assert "2 fields need" in page


def test_a_replacement_starts_with_the_same_permissions_and_another_name(browser):
    token = made(browser, name="orders", description="Nightly", permissions=["usage.view", "index:read:*"])
    page = browser.get(f"{URL}?replaces={token.public_id}").content.decode()
    assert 'value="orders-2"' in page
    assert ">Nightly</textarea>" in page
    assert re.findall(r'value="([^"]+)" autocomplete="off" checked', page) == ["index:read:*", "usage.view"]


def test_a_replacement_says_which_permissions_have_no_box(browser, owner):
    token = make_token(owner, permissions=["*:*:*"]).token
    page = browser.get(f"{URL}?replaces={token.public_id}").content.decode()
    assert "This page has no boxes for <code>*:*:*</code>." in page


def test_another_organizations_token_is_not_replaced(browser):
    theirs = make_token(make_member(make_organization())).token
    assert browser.get(f"{URL}?replaces={theirs.public_id}").status_code == 404


def test_a_token_is_created_with_its_allowed_addresses(browser: Client, owner: Membership) -> None:
    wrong = browser.post(URL, GOOD | {"allowed_addresses": "203.0.113.7/24"})
    assert wrong.status_code == 422
    html = wrong.content.decode()
    assert "“203.0.113.7/24” is an address inside a network." in html
    assert '<details class="more optional-fields" open>' in html
    assert "203.0.113.7/24</textarea>" in html
    assert browser.post(URL, GOOD | {"allowed_addresses": "203.0.113.0/24\r\n::1"}).status_code == 303
    token = ServiceAccountToken.objects.get()
    assert token.allowed_addresses == ["203.0.113.0/24", "::1"]
    for query in (f"?replaces={token.public_id}", "?allowed_addresses=203.0.113.0/24,::1"):
        assert "203.0.113.0/24\n::1</textarea>" in browser.get(URL + query).content.decode()
