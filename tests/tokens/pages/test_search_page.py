"""The search of the list: by words, by what is shown of a token, and by a whole pasted one."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_member, make_token
from tokens.crypto import opaque

URL = "/settings/tokens/search/"


def said(browser: Client, text: str) -> tuple[str, list[str]]:
    """Where a search leads, and what it says there."""
    response = browser.post(URL, {"q": text})
    assert response.status_code == 302
    return response["Location"], [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("form", ["{}", "  {} \n", "Bearer {}", "TESSERA_TOKEN={}", '"{}"'])
def test_a_whole_token_leads_to_its_page(owner, form):
    issued = make_token(owner)
    where, _ = said(browser_of(owner.user), form.format(issued.plaintext))
    assert where == f"/settings/tokens/{issued.token.public_id}/"


def test_the_long_form_is_found_too(owner, settings):
    settings.TOKEN_FORMAT = "alphanumeric"
    issued = make_token(owner)
    where, _ = said(browser_of(owner.user), issued.plaintext)
    assert where == f"/settings/tokens/{issued.token.public_id}/"


def test_a_viewer_may_ask(owner):
    issued = make_token(owner)
    viewer = make_member(owner.organization, Role.VIEWER)
    assert issued.token.public_id in said(browser_of(viewer.user), issued.plaintext)[0]


def test_another_organizations_token_is_as_unknown_as_a_made_up_one(owner):
    foreign = make_token(make_member()).plaintext
    answers = [said(browser_of(owner.user), text) for text in (foreign, opaque.new().plaintext)]
    sentence = "No token of this organization has this secret. It may belong to another organization."
    assert answers == [("/settings/tokens/", [sentence])] * 2


def test_no_part_of_a_secret_gets_into_an_address(owner):
    plaintext = make_token(owner).plaintext
    browser = browser_of(owner.user)
    for part in (plaintext, plaintext[:-1], plaintext[7:40], f"x{plaintext}", plaintext[:14]):
        where, _ = said(browser, part)
        assert part[-6:] not in where


def test_a_part_says_what_to_do_instead(owner):
    plaintext = make_token(owner).plaintext
    _, sentences = said(browser_of(owner.user), plaintext[:30])
    assert sentences == [
        "This looks like a part of a token. Paste the whole one, or search by its last four characters."
    ]


def test_words_go_into_the_address_with_tab_filters_and_order(owner):
    wanted = {"q": "two words", "status": "all", "sort": "name", "only": ["broad", "mine"]}
    response = browser_of(owner.user).post(URL, wanted)
    expected = "/settings/tokens/?status=all&q=two+words&only=mine&only=broad&sort=name"
    assert response["Location"] == expected


@pytest.mark.parametrize(
    "query", ["DEPLOY", "github", "{last}", "tsr_sa_…{last}", "tsr_sa_...{last}", "tsr_sa_"]
)
def test_it_finds_by_name_description_last_four_masked_form_and_prefix(owner, query):
    issued = make_token(owner, "ci-deploy", description="GitHub Actions")
    words = query.format(last=issued.plaintext[-4:])
    html = browser_of(owner.user).get("/settings/tokens/", {"q": words}).content.decode()
    assert ">ci-deploy</a>" in html


def test_nothing_found_says_so_and_offers_all(owner):
    make_token(owner, "ci-deploy")
    html = browser_of(owner.user).get("/settings/tokens/", {"q": "zebra"}).content.decode()
    assert "Nothing matches “zebra”" in html
    assert "?status=all&amp;q=zebra" in html


def test_a_secret_in_an_address_is_not_repeated(owner):
    plaintext = make_token(owner).plaintext
    response = browser_of(owner.user).get("/settings/tokens/", {"q": plaintext}, follow=True)
    assert response.redirect_chain == [("/settings/tokens/", 302)]
    assert "That URL contained a token" in response.content.decode()
    assert plaintext not in response.content.decode()


@pytest.mark.parametrize("text", ["", "\x00", "\udcff", "%", "_" * 600, "'; --", "\u202e"])
def test_no_text_breaks_it(owner, text):
    make_token(owner)
    browser = browser_of(owner.user)
    response = browser.post(
        URL, b"q=" + text.encode("utf-8", "surrogatepass"), content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code in (302, 400)
    if response.status_code == 302:
        assert browser.get(response["Location"]).status_code in (200, 400)


def test_the_address_of_the_search_alone_leads_to_the_list(owner):
    response = browser_of(owner.user).get(URL)
    assert response["Location"] == "/settings/tokens/"
