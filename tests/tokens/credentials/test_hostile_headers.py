"""Malformed Authorization headers: each is a 401 with its exact challenge, before any query."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tokens.crypto import opaque

REAL = "tsr_sa_" + "A" * opaque.PREFIXED_LENGTH
MISSING = ({"error": "API key required", "code": "credential_required"}, 'Bearer realm="tessera"')
INVALID = (
    {"error": "Invalid API key", "code": "invalid_token"},
    'Bearer realm="tessera", error="invalid_token"',
)

NO_BEARER = [
    "",
    " ",
    "Bearer",
    "Bearer ",
    "Bearer  ",
    "Bearer\t",
    f"Bearer\t{REAL}",
    REAL,
    f"Token {REAL}",
    "Basic dXNlcjpwYXNzd29yZA==",
    'Digest username="ann", realm="tessera"',
    f"Basic {REAL}",
    f"Bearer,{REAL}",
    f"a,Bearer {REAL}",
    f"Bearer: {REAL}",
    "\xff\xfe",
    "😀".encode().decode("latin-1"),
]
BAD_BEARERS = [
    f"Bearer {REAL},Bearer {REAL}",
    f"Bearer {REAL}, Bearer {REAL}",
    f"Bearer {REAL} {REAL}",
    "Bearer a b",
    f"Bearer {REAL}\t",
    f"Bearer \t{REAL}",
    f"Bearer {REAL}=",
    f'Bearer "{REAL}"',
    f"Bearer token={REAL}",
    f"Bearer {REAL[:-1]}",
    f"Bearer {REAL}A",
    f"Bearer {REAL[:-1]}é",
    f"Bearer {REAL[:-1]}\xb2",
    f"Bearer {REAL.upper()}",
    f"Bearer sk_live_{'A' * 43}",
    "Bearer " + "1" * 43,
    "Bearer \xff\xfe",
    "Bearer é",
    "Bearer " + "😀".encode().decode("latin-1"),
    "Bearer " + "A" * 8_000,
    "Bearer " + "." * 8_000,
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer null",
    "Bearer undefined",
    "Bearer %s",
    "Bearer ' OR 1=1 --",
]


def shown(header: str) -> str:
    return re.sub(r"([.A1])\1{20,}", lambda run: f"{run[1]}x{len(run[0])}", ascii(header))


@pytest.mark.parametrize("path", ["/api/auth/whoami", "/api/v1/identity"])
@pytest.mark.parametrize("header", NO_BEARER, ids=shown)
def test_what_is_no_bearer_is_a_missing_credential(client: Client, header: str, path: str) -> None:
    assert_refused(client, path, header, MISSING)


@pytest.mark.parametrize("path", ["/api/auth/whoami", "/api/v1/identity"])
@pytest.mark.parametrize("header", BAD_BEARERS, ids=shown)
def test_a_bearer_without_the_shape_of_one_is_an_invalid_key(client: Client, header: str, path: str) -> None:
    assert_refused(client, path, header, INVALID)


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0")))
def test_any_other_bytes_after_the_scheme_are_a_401(text: str) -> None:
    response = Client().get("/api/auth/whoami", headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 401


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "apikey", "key"])
def test_a_token_in_the_address_is_ignored(client: Client, name: str) -> None:
    response = client.get(f"/api/auth/whoami?{name}={REAL}")
    assert (response.status_code, response.json()) == (401, MISSING[0])


@pytest.mark.parametrize("name", ["X-API-Key", "apikey", "X-Authorization", "Proxy-Authorization"])
def test_a_token_in_another_header_is_ignored(client: Client, name: str) -> None:
    response = client.get("/api/auth/whoami", headers={name: f"Bearer {REAL}"})
    assert (response.status_code, response.json()) == (401, MISSING[0])


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("spaces", [" ", "  "])
def test_the_scheme_is_read_in_any_case(client: Client, scheme: str, spaces: str) -> None:
    # The key has the right shape and is unknown: it was looked up.
    assert_refused(client, "/api/auth/whoami", f"{scheme}{spaces}{REAL}", INVALID)


def assert_refused(client: Client, path: str, header: str, expected: tuple[dict[str, str], str]) -> None:
    response = client.get(path, headers={"Authorization": header})
    body, challenge = expected
    assert response.status_code == 401
    assert response.json() == body
    assert response.headers["WWW-Authenticate"] == challenge
    assert response.headers["Content-Type"] == "application/json"
