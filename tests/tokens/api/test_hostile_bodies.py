"""Every endpoint of the API, given invalid bodies by a program with every permission."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.accounts.drf.test_parsers import CASES
from tests.support.people import make_member, make_organization, make_plan, make_token

TEXTS = ["", " ", "x" * 5_000, "😀" * 200, "\u202e\x1b[31m", "%00"]
NESTED: list[Any] = [[], {}, [[]], [None], [{}], [1] * 1_000, {"a": {"a": []}}]
VALUES: list[Any] = [*TEXTS, *NESTED, None, True, -1, 2**63 - 1, 1.5]
FIELDS = ["name", "description", "permissions", "expiresInDays", "token", "reason", "email", "role", "uuid"]
QUERIES = ["limit", "cursor", "status", "q", "from", "to", "format"]
UNKNOWN = "tok_" + "0" * 26
SEGMENTS = ["x", "tok_" + "z" * 26, UNKNOWN, "%ff", "%F0%9F%98%80", "x" * 300, "-1", "..", "tok_01%2e", "%20"]
HEADERS = ["Idempotency-Key", "Tessera-Index-UUID", "Tessera-User-UUID", "User-Agent", "X-Forwarded-For"]
HEADER_VALUES = ["", " ", "\xff\xfe", "é", "x" * 8_000, "a,b", "-1", "%00"]
GOOD = {"name": "CI", "permissions": ["index:read:*"], "expiresInDays": 30, "description": ""}


@pytest.fixture
def client(db: None) -> Client:
    organization = make_organization(plan=make_plan("enterprise", None))
    raw = make_token(make_member(organization), permissions=["*:*:*"]).plaintext
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {raw}"})


def endpoints() -> list[str]:
    """Every path of the resource API, its parameters written as {}."""
    found = get_resolver().reverse_dict.lists()
    possible = [one for _, entries in found for entry in entries for one in entry[0]]
    paths = {path % dict.fromkeys(names, "{}") for path, names in possible}
    # The schema is the same document whatever is asked, and slow to draw.
    return sorted("/" + path for path in paths if path.startswith("api/") and path != "api/schema")


def assert_no_fault(response: Any, what: object) -> None:
    assert response.status_code < 500, (what, response.content[:300])
    if response.status_code >= 400:
        assert set(response.json()) >= {"error", "code"}, what


def test_no_value_of_any_field_is_a_fault(client: Client) -> None:
    assert "/api/v1/tokens/{}" in endpoints()
    for path, method in product(endpoints(), ("POST", "PATCH")):
        for value in VALUES:
            url = path.replace("{}", UNKNOWN)
            body = json.dumps(dict.fromkeys(FIELDS, value))
            response = client.generic(method, url, body, "application/json")
            assert_no_fault(response, (method, url, str(value)[:40]))


def test_no_value_of_one_field_beside_good_ones_is_a_fault(client: Client) -> None:
    for number, (field, value) in enumerate(product(GOOD, VALUES)):
        body = GOOD | {"name": f"CI {number}"} | {field: value}
        response = client.post("/api/v1/tokens", json.dumps(body), "application/json")
        assert_no_fault(response, (field, str(value)[:40]))


def test_no_query_is_a_fault(client: Client) -> None:
    for path, name, text in product(endpoints(), QUERIES, TEXTS):
        url = path.replace("{}", "x")
        assert_no_fault(client.get(url, {name: text[:500]}), (url, name, text[:40]))


def test_no_path_is_a_fault(client: Client) -> None:
    for path, segment in product((path for path in endpoints() if "{}" in path), SEGMENTS):
        url = path.replace("{}", segment)
        for method in ("GET", "PATCH", "DELETE", "POST"):
            assert_no_fault(client.generic(method, url, "{}", "application/json"), (method, url))


def test_no_header_that_an_endpoint_reads_is_a_fault(client: Client) -> None:
    for name, value in product(HEADERS, HEADER_VALUES):
        for url in ("/api/v1/tokens", "/api/v1/context"):
            assert_no_fault(client.get(url, headers={name: value}), (name, value[:40]))
        response = client.post("/api/v1/tokens", json.dumps(GOOD), "application/json", headers={name: value})
        assert_no_fault(response, (name, value[:40]))


def test_a_body_that_is_not_plain_json_is_refused_where_tokens_are_made(client: Client) -> None:
    for sentence, body in CASES:
        response = client.post("/api/v1/tokens", body, content_type="application/json")
        assert response.status_code == 400, sentence
        assert response.json()["detail"] == sentence
