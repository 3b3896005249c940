"""The admin's search over everything: what is typed finds its row, and a pasted token is in no address."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from tests.support.people import make_member, make_organization, make_staff, make_token, make_user
from tests.tokens.oauth.calls import make_program
from tokens.crypto import opaque
from tokens.service_accounts.issue import Issued

SEARCH = reverse("staff-search")


def page_of(model: str, pk: object) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


def typed(browser: Client, text: str, **form: str) -> tuple[str, str]:
    """Where the box leads to, with all addresses on the way, and what is shown there."""
    response = browser.post(SEARCH, {"q": text} | form, follow=True)
    assert response.status_code == 200
    return " ".join(url for url, _ in response.redirect_chain), response.content.decode()


@pytest.fixture
def acme(db: None) -> Membership:
    make_member(make_organization("Umbrella"))
    return make_member(make_organization("Acme & Sons"), user=make_user("ada@example.com", name="Ada"))


def test_an_organization_is_found_by_all_that_names_it(staff: Client, acme: Membership) -> None:
    issued = make_token(acme)
    secret = make_program(acme).secret
    organization = acme.organization
    for text in (
        *(organization.slug, "acme", organization.publishable_key, "ADA@example.com", "ada@"),
        *(issued.plaintext[-4:], f"tsr_sa_…{issued.plaintext[-4:]}", secret[-4:]),
    ):
        html = typed(staff, text)[1]
        assert page_of("accounts_organization", organization.pk) in html, text
        assert "Umbrella" not in html


def test_a_public_id_leads_to_the_row_itself(staff: Client, acme: Membership) -> None:
    token = make_token(acme).token
    program = make_program(acme).row
    found = {
        program.public_id: "OAuth clients",
        acme.user.public_id: "Users",
        token.public_id: "API tokens",
    }
    assert (
        page_of("accounts_organization", acme.organization_id) in typed(staff, acme.organization.public_id)[1]
    )
    for text, name in found.items():
        assert name in typed(staff, text)[1]


def test_a_pasted_token_leads_to_its_page_and_is_in_no_address(staff: Client, issued: Issued) -> None:
    for text in (issued.plaintext, f"Authorization: Bearer {issued.plaintext}"):
        addresses, html = typed(staff, text)
        assert addresses == page_of("tokens_serviceaccounttoken", issued.token.pk)
        assert issued.plaintext not in html


def test_a_list_s_own_box_takes_a_pasted_token_as_well(staff: Client, issued: Issued) -> None:
    addresses, _ = typed(staff, issued.plaintext, list="accounts.user")
    assert addresses == page_of("tokens_serviceaccounttoken", issued.token.pk)


def test_an_unknown_token_and_a_part_of_one_are_in_no_address(staff: Client, issued: Issued) -> None:
    for text in (opaque.new().plaintext, issued.plaintext[:30], issued.plaintext[8:40]):
        addresses, html = typed(staff, text)
        assert addresses == SEARCH
        assert text not in html


def test_a_token_in_an_address_is_not_looked_up(staff: Client, issued: Issued) -> None:
    response = staff.get(SEARCH, {"q": issued.plaintext})
    assert response["Location"] == SEARCH


def test_a_lists_own_box_keeps_its_filters(staff: Client, acme: Membership) -> None:
    form = {"list": "accounts.organization", "filters": "?status=active"}
    addresses, html = typed(staff, "acme", **form)
    assert addresses == f"{reverse('admin:accounts_organization_changelist')}?status=active&q=acme"
    assert "Acme &amp; Sons" in html


def test_a_search_shows_only_what_the_staff_member_may_see(acme: Membership, issued: Issued) -> None:
    browser = make_staff("accounts.view_user")
    assert "Acme" not in typed(browser, "acme")[1]
    assert "ada@example.com" in typed(browser, "ada@example.com")[1]
    addresses, _ = typed(browser, issued.plaintext)
    assert addresses == SEARCH


def test_only_staff_search(client: Client) -> None:
    assert client.post(SEARCH, {"q": "acme"}).status_code == 302


def test_each_page_of_the_admin_has_the_box(staff: Client, acme: Membership) -> None:
    for page in ("/admin/", page_of("accounts_organization", acme.organization_id), SEARCH):
        assert f'action="{SEARCH}"' in staff.get(page).content.decode()
