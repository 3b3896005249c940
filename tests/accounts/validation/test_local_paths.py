"""``next`` leads to our own pages and nowhere else, whatever a browser makes of it."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from accounts.validation.local_paths import is_local_path
from tests.accounts.authentication.flows import PASSWORD, make_person

EVIL = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/ /evil.example",
    "\t//evil.example",
    " //evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "http://evil.example/settings/",
    "https://testserver.evil.example",
    "http://testserver@evil.example",
    "http://testserver/settings/members/",
    "javascript:alert(1)",
    "data:text/html,x",
    "%2F%2Fevil.example",
    "/settings/\r\nSet-Cookie: a=b",
    "settings/members/",
    "//",
    "",
]
OWN = ["/", "/settings/members/", "/settings/tokens/?status=all&q=%2F%2Fx", "/%09/evil", "/a//b"]


@pytest.mark.parametrize("url", EVIL)
def test_it_is_no_path_of_ours(url: str) -> None:
    assert not is_local_path(url)


@pytest.mark.parametrize("url", OWN)
def test_it_is_a_path_of_ours(url: str) -> None:
    assert is_local_path(url)


@pytest.mark.django_db
@override_settings(ALLOWED_HOSTS=["*"])
@pytest.mark.parametrize("url", EVIL)
@pytest.mark.parametrize("inside", [False, True])
def test_sign_in_leads_home_instead(url: str, inside: bool) -> None:
    person = make_person()
    client = Client()
    if inside:
        client.force_login(person)
        response = client.get("/accounts/login/", {"next": url})
    else:
        form = {"login": person.email, "password": PASSWORD, "next": url}
        response = client.post("/accounts/login/", form)
    assert (response.status_code, response["Location"]) == (302, "/settings/tokens/")


@pytest.mark.django_db
@override_settings(ALLOWED_HOSTS=["*"])
@pytest.mark.parametrize("url", EVIL)
def test_sign_out_and_the_fresh_proof_lead_home_instead(url: str) -> None:
    client = Client()
    client.force_login(make_person())
    proof = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": url})
    assert proof["Location"] == "/settings/tokens/"
    assert client.post("/settings/theme/", {"theme": "dark", "next": url})["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": url})["Location"] == "/accounts/login/"


@pytest.mark.django_db
def test_sign_in_leads_to_a_page_of_ours() -> None:
    form = {"login": make_person().email, "password": PASSWORD, "next": "/settings/members/"}
    assert Client().post("/accounts/login/", form)["Location"] == "/settings/members/"
