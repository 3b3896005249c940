"""A real secret of every kind, and every place of a request that one can be sent in."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.db import connection

from accounts.authentication import mailed_links
from accounts.members import invitations
from accounts.models.mailed_claim import LinkKind
from accounts.permissions.roles import Role
from tests.support.people import actor, browser_of, make_token
from tests.support.sessions import make_person, opened
from tests.support.waiting import PATIENCE
from tests.tokens.oauth.calls import basic, make_program

PAGES = ("/accounts/invitations/{}/", "/accounts/password/reset/key/{}", "/accounts/magic-link/{}")
PLACES = (*PAGES, "/accounts/confirm-email/{}", "/{}", "/api/{}", "/?token={}", "/static/{}")
BEARERS = ("/api/auth/whoami", "/api/v1/tokens", "/internal/metrics", "/api/auth/verify", "/v1/auth/sessions")
# A page's form is taken with the same text in a cookie and in a field.
CSRF = "a" * 32
FORM = f"Content-Type: application/x-www-form-urlencoded\r\nCookie: csrftoken={CSRF}"
JSON = "Content-Type: application/json"

SHAPES = ("service-account token", "access token", "password", "second factor")
GUESSED = ("password", "second factor")

# Where it is sent, and what is sent: method, target, headers and body.
Sending = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Canaries:
    """Secrets by their kind; a person's e-mail goes with their password."""

    email: str
    client_id: str
    secrets: dict[str, str]


def make_canaries(**given: str) -> Canaries:
    """``given`` adds those that the server itself was started with."""
    owner = make_person()
    family, program = opened(owner), make_program(owner)
    browser = browser_of(owner.user)
    invited = invitations.invite(actor=actor(owner), email="new@example.com", role=Role.MEMBER)
    made = {
        "service-account token": make_token(owner, permissions=["*:*:*"]).plaintext,
        "access token": family.access_token,
        "refresh token": family.refresh_token,
        "client secret": program.secret,
        "basic header": basic(program.id, program.secret).removeprefix("Basic "),
        "password": "a-password-that-nobody-logs",
        "second factor": "777777",
        "invitation link": invited.secret,
        "browser session": browser.cookies["sessionid"].value,
    }
    for kind in set(LinkKind) - {LinkKind.INVITATION}:
        link = mailed_links.issue(mailed_links.Claim(kind, owner.user.email, owner.user))
        made[f"{kind} link"] = link.rsplit("/", 1)[1]
    owner.user.set_password(made["password"])
    owner.user.save()
    return Canaries(owner.user.email, program.id, made | given)


def sent_everywhere(url: str, canaries: Canaries, only: Collection[str] = ()) -> set[tuple[str, int]]:
    """Send each secret to each endpoint, in each place; return the places with the statuses."""
    return {
        (place, ask(url, method, target, headers, body))
        for kind, secret in canaries.secrets.items()
        for place, method, target, headers, body in (
            *_in_addresses(secret),
            *_as_bearer(secret),
            *(_in_odd_places(secret) if kind in SHAPES else ()),
            *_in_bodies(secret, canaries),
            *(_as_password(secret, canaries) if kind in GUESSED else ()),
        )
        if place in only or not only
    }


def _in_addresses(secret: str) -> Iterator[Sending]:
    for place in PLACES:
        yield place, "GET", place.format(secret), "", ""


def _as_bearer(secret: str) -> Iterator[Sending]:
    for path in BEARERS:
        yield path, "GET", path, f"Authorization: Bearer {secret}", ""


def _in_odd_places(secret: str) -> Iterator[Sending]:
    for header in (
        *(f"Cookie: sessionid={secret}", f"User-Agent: {secret}", f"Referer: https://a.example/{secret}"),
        *(f"X-Request-ID: {secret}~", f"Host: {secret}.example", f"Accept: a/{secret}; x*=1"),
        *(f"Authorization Bearer {secret}", f"Bad Header {secret}: x", f"X-Forwarded-For: {secret}"),
    ):
        yield header.partition(" ")[0], "GET", "/settings/tokens/", header, ""
    yield "request line", "GET", f"/a b {secret}", "", ""
    yield "method", secret, "/", "", ""


def _in_bodies(secret: str, canaries: Canaries) -> Iterator[Sending]:
    client = {"client_id": canaries.client_id}
    for path, fields in (
        ("/v1/auth/refresh", {"refresh_token": secret}),
        ("/v1/auth/logout", {"refresh_token": secret}),
        ("/v1/auth/magic-link/verify", {"token": secret}),
        # The last of them, because it revokes what is valid.
        ("/api/v1/leaks", {"token": secret, "source": f"found {secret}", "url": f"https://{secret}.example"}),
    ):
        yield path, "POST", path, JSON, json.dumps(fields)
    for path, fields in (
        ("/v1/auth/token", {**client, "grant_type": "client_credentials", "client_secret": secret}),
        ("/v1/auth/token", {**client, "grant_type": "refresh_token", "refresh_token": secret}),
        ("/v1/auth/revoke", {**client, "token": secret, "client_secret": canaries.secrets["client secret"]}),
        ("/v1/auth/introspect", {"token": secret}),
    ):
        yield path, "POST", path, FORM, urlencode(fields)
    yield "basic", "POST", "/v1/auth/token", f"{FORM}\r\nAuthorization: Basic {secret}", ""


def _as_password(secret: str, canaries: Canaries) -> Iterator[Sending]:
    """Each of these costs the server a password's hash, and an account has few of them."""
    for fields in ({"password": secret}, {"password": canaries.secrets["password"], "code": secret}):
        yield "/v1/auth/login", "POST", "/v1/auth/login", JSON, json.dumps({"email": canaries.email} | fields)
    for path, given in (
        ("/accounts/login/", {"login": canaries.email, "password": secret}),
        ("/accounts/signup/", {"email": "other@example.com", "password1": secret}),
    ):
        yield path, "POST", path, FORM, urlencode(given | {"csrfmiddlewaretoken": CSRF})


def ask(url: str, method: str, target: str, headers: str, body: str) -> int:
    """The status of one answer; what is no HTTP is sent as it is."""
    address = urlsplit(url)
    lines = [f"{method} {target} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [headers] if headers else []
    lines += [] if headers.startswith("Host:") else [f"Host: {address.netloc}"]
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as wire:
        wire.sendall("\r\n".join((*lines, "", body)).encode())
        answer = b""
        while more := wire.recv(65_536):
            answer += more
    return int(answer.split(b" ", 2)[1])


@contextmanager
def without_tables(*names: str) -> Iterator[None]:
    """Whatever asks for them fails with an error that no outage explains."""
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'ALTER TABLE "{name}" RENAME TO "{name}_away"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f'ALTER TABLE "{name}_away" RENAME TO "{name}"')
