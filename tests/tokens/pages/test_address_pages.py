"""The pages of allowed addresses show what a list would have refused before they save it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership, Organization
from ratelimit.models import DailyStatistics
from ratelimit.statistics.counts import Seen, names_as_json
from tests.support.clients import program
from tests.support.people import actor, browser_of, fresh_browser_of, make_token
from tests.support.team import changes
from tests.tokens.oauth.calls import make_program
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
ORGANIZATION = "/settings/organization/addresses/"
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.1"
HERE_NETWORK, ELSEWHERE_NETWORK = "203.0.113.0/24", "198.51.100.0/24"


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


@pytest.fixture
def url(issued: Issued) -> str:
    return f"/settings/tokens/{issued.token.public_id}/addresses/"


def use(owner: Membership, subject: Any, network: str = HERE_NETWORK, calls: int = 10) -> None:
    now = timezone.now()
    of = {"bucket": owner.organization_id, "subject": subject, "day": now.date()}
    DailyStatistics.objects.create(**of, networks=names_as_json({network: Seen(calls, now, now)}))


def text(response: Any) -> str:
    """The text of a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def list_of(response: Any) -> list[str]:
    """The lines of the text area."""
    return str(response.context["text"]).split("\n") if response.context["text"] else []


def post(browser: Client, url: str, act: str, texts: str, **more: str) -> Any:
    return browser.post(url, {"act": act, "allowed_addresses": texts} | more, REMOTE_ADDR=ELSEWHERE)


def stored() -> list[str]:
    found: list[str] = ServiceAccountToken.objects.get().allowed_addresses
    return found


def test_a_list_is_shown_with_its_effect_and_then_saved(
    browser: Client, url: str, owner: Membership, issued: Issued
) -> None:
    use(owner, issued.token.pk)
    review = post(browser, url, "review", f"{ELSEWHERE}\r\n192.0.2.0/24")
    assert "10 of 10 calls of the last 30 days would have been refused. Nothing is saved yet." in text(review)
    assert stored() == []
    saved = post(browser, url, "save", review.context["text"], reviewed=review.context["reviewed"])
    assert saved["Location"] == f"/settings/tokens/{issued.token.public_id}/"
    assert stored() == [ELSEWHERE, "192.0.2.0/24"]
    assert changes(owner.organization, "token.updated") == [
        {"allowedAddresses": [[], [ELSEWHERE, "192.0.2.0/24"]]}
    ]
    assert program(issued).get("/api/auth/whoami", REMOTE_ADDR=HERE).status_code == 403
    assert f"{ELSEWHERE} , 192.0.2.0/24 ." in text(browser.get(saved["Location"]))


def test_an_empty_list_takes_the_restriction_away(browser: Client, url: str, issued: Issued) -> None:
    ServiceAccountToken.objects.update(allowed_addresses=[ELSEWHERE])
    review = post(browser, url, "review", " \r\n")
    assert "Calls are accepted from any address. Nothing is saved yet." in text(review)
    assert post(browser, url, "save", "", reviewed="").status_code == 302
    assert stored() == []
    assert program(issued).get("/api/auth/whoami", REMOTE_ADDR=HERE).status_code == 200


@pytest.mark.parametrize("reviewed", ["", HERE])
def test_a_list_whose_effect_was_not_shown_is_not_saved(browser: Client, url: str, reviewed: str) -> None:
    response = post(browser, url, "save", ELSEWHERE, reviewed=reviewed)
    assert (response.status_code, response.context["reviewed"]) == (200, ELSEWHERE)
    assert stored() == []


def test_the_networks_of_the_last_thirty_days_fill_the_list(
    browser: Client, url: str, owner: Membership, issued: Issued
) -> None:
    use(owner, issued.token.pk)
    assert "Let in" not in text(browser.get(url))
    for response in (post(browser, url, "lock", ELSEWHERE), browser.get(url, {"act": "lock"})):
        assert list_of(response) == [HERE_NETWORK]
        assert "All 10 calls of the last 30 days came from allowed addresses." in text(response)
    reviewed = response.context["reviewed"]
    assert post(browser, url, "save", HERE_NETWORK, reviewed=reviewed).status_code == 302
    assert program(issued).get("/api/auth/whoami", REMOTE_ADDR=HERE).status_code == 200


def test_calls_are_unclear_if_the_list_allows_a_part_of_their_network(
    browser: Client, url: str, owner: Membership, issued: Issued
) -> None:
    use(owner, issued.token.pk, HERE_NETWORK, 7)
    page = text(post(browser, url, "review", HERE))
    assert "0 of 7 calls of the last 30 days would have been refused. 7 came from networks that" in page
    assert "203.0.113.0/24 last on" in page
    assert "Together 7 0 0 7" in page


def test_a_link_to_the_proposal_shows_the_stored_list_if_there_were_no_calls(
    browser: Client, url: str
) -> None:
    ServiceAccountToken.objects.update(allowed_addresses=[ELSEWHERE])
    response = browser.get(url, {"act": "lock"})
    assert (list_of(response), response.context["reviewed"]) == ([ELSEWHERE], None)


def test_the_present_address_is_shown_and_added(browser: Client, url: str) -> None:
    page = browser.get(url, REMOTE_ADDR="::ffff:198.51.100.1")
    assert f"You are at {ELSEWHERE} ." in text(page)
    assert list_of(post(browser, url, "add", "192.0.2.0/24\r\n")) == ["192.0.2.0/24", ELSEWHERE]
    assert list_of(post(browser, url, "add", "198.51.100.0/24")) == ["198.51.100.0/24"]


def test_the_organizations_list_counts_too(
    browser: Client, url: str, owner: Membership, issued: Issued
) -> None:
    use(owner, issued.token.pk)
    Organization.objects.update(allowed_addresses=["192.0.2.0/24"])
    page = post(browser, url, "review", HERE)
    assert "come from the organization’s addresses: 192.0.2.0/24 ." in text(page)
    assert "10 of 10 calls of the last 30 days would have been refused." in text(page)


@pytest.mark.parametrize("act", ["review", "save", "add"])
def test_a_wrong_entry_is_named_beside_the_field_and_the_text_is_kept(
    browser: Client, url: str, act: str
) -> None:
    response = post(browser, url, act, "192.0.2.7/24", reviewed="192.0.2.7/24")
    assert response.status_code == 422
    assert "“192.0.2.7/24” is an address inside a network." in text(response)
    assert "192.0.2.7/24" in list_of(response)
    assert stored() == []


def test_calls_that_were_refused_are_shown_by_address(browser: Client, url: str, issued: Issued) -> None:
    ServiceAccountToken.objects.update(allowed_addresses=[ELSEWHERE])
    assert "Refused in the last 90 days" not in text(browser.get(url))
    for _ in range(3):
        program(issued).get("/api/auth/whoami", REMOTE_ADDR=HERE)
    assert f"Refused in the last 90 days Address Calls Last {HERE} 3" in text(browser.get(url))


@pytest.mark.parametrize("path", ["token", "organization"])
def test_an_unset_proxy_count_is_warned_of(
    path: str, browser: Client, url: str, owner: Membership, issued: Issued, settings: Settings
) -> None:
    url = url if path == "token" else ORGANIZATION
    forwarded = {"X-Forwarded-For": HERE}
    assert "TRUSTED_PROXY_COUNT" not in text(browser.get(url))
    assert "TRUSTED_PROXY_COUNT" in text(browser.get(url, headers=forwarded))
    settings.TRUSTED_PROXY_COUNT = 1
    assert "TRUSTED_PROXY_COUNT" not in text(browser.get(url, headers=forwarded))
    use(owner, issued.token.pk, "10.0.0.0/24")
    assert "TRUSTED_PROXY_COUNT" in text(browser.get(url, REMOTE_ADDR="10.0.0.2"))
    assert "TRUSTED_PROXY_COUNT" not in text(browser.get(url, REMOTE_ADDR=HERE))


def test_an_ended_token_has_no_list_to_change(
    browser: Client, url: str, owner: Membership, issued: Issued
) -> None:
    revoke(token=issued.token, actor=actor(owner))
    for response in (browser.get(url), post(browser, url, "save", HERE, reviewed=HERE)):
        assert response["Location"] == f"/settings/tokens/{issued.token.public_id}/"
    assert stored() == []


def test_recent_proof_comes_first(owner: Membership, url: str) -> None:
    for path in (url, ORGANIZATION):
        assert "/accounts/reauthenticate/" in browser_of(owner.user).get(path)["Location"]


def test_the_organizations_page_counts_programs_that_were_called_from_elsewhere(
    browser: Client, owner: Membership, issued: Issued
) -> None:
    importer = make_program(owner)
    use(owner, issued.token.pk, HERE_NETWORK, 10)
    use(owner, importer.row.pk, ELSEWHERE_NETWORK, 5)
    use(owner, make_token(owner).token.pk, ELSEWHERE_NETWORK, 1)
    review = post(browser, ORGANIZATION, "review", HERE_NETWORK)
    assert "2 of 3 programs called from other addresses in the last 30 days: 6 of 16 calls" in text(review)
    assert Organization.objects.get().allowed_addresses == []
    saved = post(browser, ORGANIZATION, "save", HERE_NETWORK, reviewed=review.context["reviewed"])
    assert saved["Location"] == "/settings/organization/"
    assert changes(owner.organization, "organization.changed") == [
        {"allowed_addresses": [[], [HERE_NETWORK]]}
    ]
    assert HERE_NETWORK in text(browser.get(saved["Location"]))
    assert program(issued).get("/api/auth/whoami", REMOTE_ADDR=ELSEWHERE).status_code == 403


def test_the_page_costs_the_same_for_many_networks(
    browser: Client, url: str, owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        use(owner, make_token(owner).token.pk, f"10.0.{number}.0/24")
    browser.get(ORGANIZATION)
    with django_assert_num_queries(9) as few:
        browser.get(ORGANIZATION)
    for number in range(20):
        use(owner, make_token(owner).token.pk, f"10.1.{number}.0/24")
    with django_assert_num_queries(len(few)):
        browser.get(ORGANIZATION)
