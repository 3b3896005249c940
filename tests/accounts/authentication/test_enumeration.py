"""No endpoint reveals whether an account exists: the same bytes, headers, queries, hashes and mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.accounts.authentication.flows import OTHER_PASSWORD, make_person, sign_up_on_page
from tests.support.mails import MailingClient
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db
EMAIL = "somebody@example.com"
VARIES = ("X-Request-ID", "Set-Cookie", "Expires", "Date")
TABLE = re.compile(r'^(\w+)(?:.*?(?:FROM|INTO|UPDATE) "(\w+)")?', re.DOTALL)


def unproven() -> None:
    sign_up_on_page(MailingClient(), EMAIL)


def without_password() -> None:
    user = make_person(EMAIL)
    user.set_unusable_password()
    user.save()


def never_verified() -> None:
    user = make_person(EMAIL)
    EmailAddress.objects.filter(user=user).delete()


KINDS: dict[str, Callable[[], Any]] = {
    "unknown": lambda: None,
    "proven": lambda: make_person(EMAIL),
    "unproven": unproven,
    "inactive": lambda: make_person(EMAIL, is_active=False),
    "without a password": without_password,
    "staff without a proven address": lambda: User.objects.create_superuser(EMAIL, OTHER_PASSWORD),
    "member without a proven address": never_verified,
}
SIGN_UP = {"email": EMAIL, "name": "Nora", "password": OTHER_PASSWORD}
ENDPOINTS: dict[str, Callable[[MailingClient], HttpResponse]] = {
    "sign-up by JSON": lambda client: client.send_json("/v1/auth/signup", SIGN_UP),
    "sign-up page": lambda client: client.post("/accounts/signup/", SIGN_UP),
    "reset by JSON": lambda client: client.send_json("/v1/auth/password-reset", {"email": EMAIL}),
    "reset page": lambda client: client.post("/accounts/password/reset/", {"email": EMAIL}),
    "magic link by JSON": lambda client: client.send_json("/v1/auth/magic-link", {"email": EMAIL}),
    "magic link page": lambda client: client.post("/accounts/magic-link/", {"email": EMAIL}),
}
WRONG = {"email": EMAIL, "password": "wrong wrong wrong"}
# One hash, and nothing written; the look-up of allauth's backend takes a second statement at times.
SIGN_INS: dict[str, Callable[[MailingClient], HttpResponse]] = {
    "login by JSON": lambda client: client.send_json("/v1/auth/login", WRONG),
    "password grant": lambda client: client.send_json("/auth/v1/token?grant_type=password", WRONG),
    "login page": lambda client: client.post(
        "/accounts/login/", {"login": EMAIL, "password": WRONG["password"]}
    ),
}


@dataclass(frozen=True)
class Seen:
    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes
    statements: tuple[str, ...]
    hashes: int
    mails: int


def look(
    endpoint: Callable[[MailingClient], HttpResponse], monkeypatch: pytest.MonkeyPatch, *, statements: bool
) -> Seen:
    hashes = 0
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        nonlocal hashes
        hashes += 1
        return encode(self, password, salt)

    sent = len(mail.outbox)
    with monkeypatch.context() as patched, CaptureQueriesContext(connection) as queries:
        patched.setattr(MD5PasswordHasher, "encode", counted)
        response = endpoint(MailingClient())
    shapes = tuple(" ".join(filter(None, TABLE.match(one["sql"].strip()).groups())) for one in queries)
    return Seen(
        status=response.status_code,
        headers={name: value for name, value in response.items() if name not in VARIES},
        cookies=tuple(sorted(response.cookies)),
        body=re.sub(rb'csrfmiddlewaretoken" value="\w+"', b"", response.content),
        statements=shapes if statements else (),
        hashes=hashes,
        mails=len(mail.outbox) - sent,
    )


@pytest.fixture(autouse=True)
def _plan(db: None) -> None:
    make_plan()


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Seen]:
    """What an endpoint does for an address without an account; it is rolled back afterwards."""

    def looked(endpoint: Callable[[MailingClient], HttpResponse], *, statements: bool) -> Seen:
        before = transaction.savepoint()
        seen = look(endpoint, monkeypatch, statements=statements)
        transaction.savepoint_rollback(before)
        return seen

    return looked


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS.keys())
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_asking_tells_nothing(
    endpoint: Callable[[MailingClient], HttpResponse],
    kind: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    strangers: Callable[..., Seen],
) -> None:
    expected = strangers(endpoint, statements=True)
    assert expected.status in (202, 302)
    assert expected.mails == 1
    kind()
    assert look(endpoint, monkeypatch, statements=True) == expected


@pytest.mark.parametrize("endpoint", SIGN_INS.values(), ids=SIGN_INS.keys())
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_wrong_password_tells_nothing(
    endpoint: Callable[[MailingClient], HttpResponse],
    kind: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    strangers: Callable[..., Seen],
) -> None:
    expected = strangers(endpoint, statements=False)
    assert (expected.hashes, expected.mails) == (1, 0)
    kind()
    assert look(endpoint, monkeypatch, statements=False) == expected
