"""The sign-in and sign-out pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts.models import User
from accounts.organizations import provisioning
from tests.support.people import PASSWORD, browser_of, make_member

LOGIN = "/accounts/login/"
LOGOUT = "/accounts/logout/"


@pytest.fixture
def ada(db: None) -> User:
    user = provisioning.person(email="ada@example.com", password=PASSWORD, name="Ada")
    make_member(user=user)
    return user


def test_a_person_signs_in_and_arrives_where_they_wanted(client, ada):
    response = client.post(f"{LOGIN}?next=/settings/members/", {"login": ada.email, "password": PASSWORD})
    assert response["Location"] == "/settings/members/"
    assert client.get("/settings/members/").status_code == 200


def test_an_outdated_hash_is_replaced_at_sign_in_and_ends_nothing(client, ada, settings):
    current = settings.PASSWORD_HASHERS[0]
    settings.PASSWORD_HASHERS = [current, "django.contrib.auth.hashers.ScryptPasswordHasher"]
    User.objects.update(password=make_password(PASSWORD, hasher="scrypt"))
    before = User.objects.get()
    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    after = User.objects.get()
    assert (before.password[:7], after.password[:4]) == ("scrypt$", "md5$")
    assert after.password_version == before.password_version
    assert client.get("/settings/members/").status_code == 200


def test_the_page_keeps_where_one_wanted_to_go(client, db):
    assert (
        'name="next" value="/settings/members/"'
        in client.get(f"{LOGIN}?next=/settings/members/").content.decode()
    )


def test_it_leads_to_no_other_host(client, ada):
    form = {"login": ada.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(LOGIN, form)["Location"] == "/settings/tokens/"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_told_alike(client, ada, email):
    html = client.post(LOGIN, {"login": email, "password": "wrong"}).content.decode()
    assert 'role="alert"' in html
    assert "The e-mail address or the password is not right." in html
    assert f'value="{email}"' in html
    assert "wrong" not in html


@pytest.mark.parametrize(
    "form", [{}, {"login": "a\x00@example.com", "password": "x"}, {"login": "x" * 300, "password": "\x00"}]
)
def test_nonsense_is_told_on_the_page(client, db, form):
    response = client.post(LOGIN, form)
    assert response.status_code == 200
    assert 'class="errors"' in response.content.decode()


def test_the_pages_that_do_not_exist_are_not_linked(client, db):
    html = client.get(LOGIN).content.decode()
    assert 'href=""' not in html
    for address in {part.partition('"')[0] for part in html.split(' href="')[1:]}:
        if address.startswith("/") and not address.startswith("/static/"):
            assert client.get(address).status_code in (200, 302), address


def test_signing_out_is_a_post_that_leaves_nothing_in_the_browser(ada):
    browser = browser_of(ada)
    assert "You are signed in as ada@example.com." in browser.get(LOGOUT).content.decode()
    response = browser.post(LOGOUT)
    assert response["Location"] == LOGIN
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert browser.get("/settings/tokens/").status_code == 302


def test_signing_out_needs_a_form_of_ours(ada):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert browser.post(LOGOUT).status_code == 403
    assert browser.get("/settings/tokens/").status_code == 200


def test_signing_in_and_out_leaves_no_messages_behind(client, ada):
    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    assert "note-success" not in client.get("/settings/tokens/").content.decode()
