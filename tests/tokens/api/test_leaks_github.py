"""POST /api/v1/leaks/github: only GitHub's signature is accepted, and its matches are reports of leaks."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings

from accounts.models import Membership
from accounts.oidc import jwks
from tests.support.clients import program
from tests.support.people import make_token
from tests.tokens.api.github_scanner import GitHub, github, listed, pem, signature
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db


@pytest.fixture
def scanner() -> Iterator[GitHub]:
    with github() as found:
        yield found


@pytest.fixture
def made(owner: Membership) -> Issued:
    return make_token(owner)


def match(secret: str, **more: Any) -> dict[str, Any]:
    return {
        "token": secret,
        "type": "api_token",
        "url": "https://github.com/octocat/a",
        "source": "commit",
    } | more


def status_of(made: Issued) -> int:
    return int(program(made).get("/api/v1/identity").status_code)


def test_a_signed_match_revokes_and_the_answer_tells_nothing(scanner: GitHub, owner: Membership) -> None:
    first, second = make_token(owner), make_token(owner)
    for secrets in ([first.plaintext, "unknown", second.plaintext], ["unknown"], []):
        response = scanner.report([match(secret) for secret in secrets])
        assert (response.status_code, response.json()) == (200, [])
    assert (status_of(first), status_of(second)) == (401, 401)
    sources = ServiceAccountToken.objects.values_list("leak_source", flat=True)
    assert list(sources) == ["GitHub (commit)"] * 2
    assert scanner.asked == 1


@pytest.mark.parametrize(
    "members", [{}, {"url": None, "source": None}, {"url": "", "source": "", "new": [1]}]
)
def test_members_may_be_missing_or_new(scanner: GitHub, made: Issued, members: dict[str, Any]) -> None:
    body = {"token": made.plaintext, "type": "api_token"} | members
    assert scanner.report([body]).status_code == 200
    assert ServiceAccountToken.objects.get().leak_source == "GitHub"


def wrong_signatures(body: bytes) -> dict[str, dict[str, str]]:
    right = signature(body)
    der = b64decode(right)
    return {
        "no key id": {"key_id": ""},
        "an unknown key id": {"key_id": "second"},
        "no signature": {"signed": ""},
        "another body's": {"signed": signature(body + b" ")},
        "another key's": {"signed": signature(body, ec.generate_private_key(ec.SECP256R1()))},
        "no base64": {"signed": "!" + right},
        "no DER": {"signed": b64encode(b"\x30\x02").decode()},
        "more after DER": {"signed": b64encode(der + b"\0").decode()},
        "url-safe base64 of nothing": {"signed": "____"},
        "a long one": {"signed": "A" * 5000},
        "a long key id": {"key_id": "k" * 5000},
    }


@pytest.mark.parametrize("how", wrong_signatures(b""))
def test_a_wrong_signature_is_refused_and_revokes_nothing(scanner: GitHub, made: Issued, how: str) -> None:
    body = json.dumps([match(made.plaintext)]).encode()
    response = scanner.send(body, **wrong_signatures(body)[how])
    assert (response.status_code, response.json()["code"]) == (403, "invalid_signature")
    assert status_of(made) == 200


@pytest.mark.parametrize(
    "key",
    [
        "no PEM",
        7,
        None,
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ],
)
def test_a_key_that_is_not_p_256_verifies_nothing(scanner: GitHub, made: Issued, key: Any) -> None:
    scanner.document = {"public_keys": [listed("first", key)]}
    assert scanner.report([match(made.plaintext)]).status_code == 403


def test_signatures_of_another_curve_are_refused_even_from_a_listed_key(scanner: GitHub) -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    scanner.document = {"public_keys": [listed("first", pem(other))]}
    assert scanner.send(b"[]", signed=signature(b"[]", other)).status_code == 403


def test_a_new_key_is_fetched_for_an_unknown_id_at_most_once_a_minute(scanner: GitHub) -> None:
    assert scanner.report([]).status_code == 200
    new = ec.generate_private_key(ec.SECP256R1())
    assert scanner.send(b"[]", "new", signature(b"[]", new)).status_code == 403
    scanner.document["public_keys"].append(listed("new", pem(new)))
    assert scanner.send(b"[]", "new", signature(b"[]", new)).status_code == 403
    assert scanner.asked == 2
    cache.delete(f"{_cached()}:unknown")
    assert scanner.send(b"[]", "new", signature(b"[]", new)).status_code == 200
    assert (scanner.report([]).status_code, scanner.asked) == (200, 3)


def test_unreachable_keys_answer_503_and_are_asked_for_again_after_a_pause(
    scanner: GitHub, made: Issued
) -> None:
    scanner.status = 500
    for _ in range(2):
        response = scanner.report([match(made.plaintext)])
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.json()["detail"] == "GitHub's public keys are unavailable."
    assert (scanner.asked, status_of(made)) == (1, 200)
    scanner.status = 200
    cache.delete(f"{_cached()}:pause")
    assert scanner.report([match(made.plaintext)]).status_code == 200
    assert status_of(made) == 401


def test_known_keys_verify_while_the_address_is_unreachable_and_is_asked_once_in_ten_seconds(
    scanner: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scanner.report([]).status_code == 200
    scanner.status = 500
    monkeypatch.setattr(jwks, "FRESH_SECONDS", -1)
    assert [scanner.report([]).status_code for _ in range(3)] == [200] * 3
    # An unsigned request for an unknown key fetches no keys either.
    assert [scanner.send(b"[]", "unknown", "AAAA").status_code for _ in range(3)] == [403] * 3
    assert scanner.asked == 2
    failed = f"{_cached()}:failed"
    assert 0 < cache.ttl(failed) <= 10
    cache.delete(failed)
    assert (scanner.report([]).status_code, scanner.asked) == (200, 3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[",
        b"[1]",
        b"[[]]",
        b'[{"token": "x"}]',
        b'[{"token": 1, "type": "a"}]',
        b'[{"token": "x", "type": "a", "token": "y"}]',
        json.dumps([match("x")] * 1001).encode(),
    ],
)
def test_a_signed_body_of_another_form_is_refused(scanner: GitHub, body: bytes) -> None:
    assert scanner.send(body, signed=signature(body)).status_code == 400


@override_settings(REFUSALS_PER_MINUTE=2)
def test_an_address_has_a_limit_of_wrong_signatures_only(scanner: GitHub) -> None:
    assert {scanner.report([]).status_code for _ in range(5)} == {200}
    assert [scanner.send(b"[]", signed=signature(b"")).status_code for _ in range(3)] == [403, 403, 429]


def test_without_an_address_of_keys_there_is_no_such_endpoint(scanner: GitHub) -> None:
    with override_settings(GITHUB_LEAK_KEYS_URL=""):
        assert scanner.report([]).status_code == 404


def _cached() -> str:
    return jwks.cache_key(settings.GITHUB_LEAK_KEYS_URL)
