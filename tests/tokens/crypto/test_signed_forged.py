"""Forged access tokens: each is refused with 401 and the same words, and none is a fault of ours."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from tests.tokens.crypto.forging import b64, claims_of, good_header, hmac_sign, sign, unb64
from tests.tokens.oauth.calls import make_program, whoami
from tokens.crypto import access_jwt, signing_keys

pytestmark = pytest.mark.django_db
ALPHABET = ascii_letters + digits + "-_"


@pytest.fixture
def good(db: None) -> str:
    return str(make_program().grant()["access_token"])


def refuses(token: str) -> None:
    response = whoami(token)
    assert response.status_code == 401, token[:200]
    assert response.json() == {"error": "Invalid API key", "code": "invalid_token"}
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def public_keys() -> dict[str, bytes]:
    """Everything that a verifier may hold the public key as."""
    key = signing_keys.current().signing(time.time())
    pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "pem": pem,
        "pem without its newline": pem.rstrip(),
        "pem with a BOM": b"\xef\xbb\xbf" + pem,
        "der": key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(key.jwk).encode(),
        "jwk compact": json.dumps(key.jwk, separators=(",", ":")).encode(),
        "point": key.public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "kid": key.kid.encode(),
    }


def test_the_hand_made_token_is_good_where_nothing_is_wrong_with_it(good: str) -> None:
    assert whoami(sign(good_header(), claims_of(good))).status_code == 200


def test_a_signature_is_written_in_one_way(good: str) -> None:
    """The last of its 86 characters has four bits to spare, which a lenient decoder passes over."""
    head, _, signature = good.rpartition(".")
    raw, last = unb64(signature), signature[-1]
    others = [one for one in ALPHABET if one != last and unb64(signature[:-1] + one) == raw]
    assert len(others) == 15
    for one in others:
        forged = f"{head}.{signature[:-1]}{one}"
        refuses(forged)
        # The shape is checked before, but the decoder checks it itself.
        with pytest.raises(access_jwt.InvalidJWT):
            access_jwt.decode(forged)
    refuses(f"{good}==")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, [], "ES256 "], ids=repr)
def test_no_token_goes_unsigned(good: str, alg: Any) -> None:
    _, payload, signature = good.split(".")
    header = b64(good_header() | {"alg": alg})
    for ending in ("", ".", ".AA", f".{signature}"):
        refuses(f"{header}.{payload}{ending}")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"], ids=repr)
def test_the_public_key_is_no_shared_secret(good: str, alg: str) -> None:
    digest = getattr(hashlib, f"sha{alg[2:]}")
    for known in public_keys().values():
        refuses(hmac_sign(good_header() | {"alg": alg}, claims_of(good), known, digest))


@pytest.mark.parametrize("secret", [b"secret", b"", b"\0", settings.SECRET_KEY.encode()], ids=repr)
def test_no_shared_secret_is_known(good: str, secret: bytes) -> None:
    for alg in ("HS256", "ES256"):
        refuses(hmac_sign(good_header() | {"alg": alg}, claims_of(good), secret))


@pytest.mark.parametrize(
    "alg",
    ["RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "HS256", "es256", "ES256\0", 256, True],
    ids=repr,
)
def test_a_key_has_one_algorithm(good: str, alg: Any) -> None:
    refuses(sign(good_header() | {"alg": alg}, claims_of(good)))


def test_another_key_is_not_ours(good: str) -> None:
    stranger = generate_private_key(SECP256R1())
    refuses(sign(good_header(), claims_of(good), stranger))
    jwk = {"kty": "EC", "crv": "P-256", "kid": "stranger"}
    numbers = stranger.public_key().public_numbers()
    jwk |= {"x": b64(numbers.x.to_bytes(32)), "y": b64(numbers.y.to_bytes(32))}
    for more in (
        {"jwk": jwk},
        {"jwk": jwk, "kid": "stranger"},
        {"jku": "http://127.0.0.1:1/jwks.json"},
        {"x5u": "http://127.0.0.1:1/key.pem"},
        {"x5c": [b64(b"certificate")]},
        {"x5t": "x"},
    ):
        refuses(sign(good_header() | more, claims_of(good), stranger))


@pytest.mark.parametrize(
    "kid",
    ["", "unknown", "../../../dev/null", "' OR 1=1--", "x" * 10_000, "\0", None, 1, [], {}, "a" * 200, "é"],
    ids=repr,
)
def test_no_other_key_id_finds_a_key(good: str, kid: Any) -> None:
    refuses(sign(good_header() | {"kid": kid}, claims_of(good)))
    header = good_header()
    del header["kid"]
    refuses(sign(header, claims_of(good)))


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "logout+jwt", "id+jwt", "at+jwt ", "application/JWT", "", None, 1], ids=repr
)
def test_another_type_is_another_kind_of_token(good: str, typ: Any) -> None:
    refuses(sign(good_header() | {"typ": typ}, claims_of(good)))
    header = good_header()
    del header["typ"]
    refuses(sign(header, claims_of(good)))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"], ids=repr)
def test_media_types_compare_without_case(good: str, typ: str) -> None:
    assert whoami(sign(good_header() | {"typ": typ}, claims_of(good))).status_code == 200


@pytest.mark.parametrize("more", [{"crit": ["exp"]}, {"crit": []}, {"b64": False, "crit": ["b64"]}], ids=repr)
def test_a_header_that_must_be_understood_is_not(good: str, more: dict[str, Any]) -> None:
    refuses(sign(good_header() | more, claims_of(good)))


FORMS: dict[str, Callable[[str, str, str], str]] = {
    "padded": lambda h, p, s: f"{h}.{p}.{s}=",
    "padded twice": lambda h, p, s: f"{h}.{p}.{s}==",
    "padded header": lambda h, p, s: f"{h}=.{p}.{s}",
    "padded payload": lambda h, p, s: f"{h}.{p}=.{s}",
    "two parts": lambda h, p, s: f"{h}.{p}",
    "four parts": lambda h, p, s: f"{h}.{p}.{s}.{s}",
    "five parts": lambda h, p, s: f"{h}.{p}.{s}.{s}.{s}",
    "empty payload": lambda h, p, s: f"{h}..{s}",
    "empty signature": lambda h, p, s: f"{h}.{p}.",
    "JSON serialisation": lambda h, p, s: json.dumps({"protected": h, "payload": p, "signature": s}),
    "standard alphabet": lambda h, p, s: f"{h}.{p}.{s[:-4]}+/+/",
    "zero signature": lambda h, p, s: f"{h}.{p}.{'A' * 86}",
    "short signature": lambda h, p, s: f"{h}.{p}.{s[:-2]}",
    "der signature": lambda h, p, s: f"{h}.{p}.{b64(b'0D' + bytes(68))}",
    "newline inside": lambda h, p, s: f"{h}.{p}\n.{s}",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_token_has_one_spelling(good: str, form: str) -> None:
    forged = FORMS[form](*good.split("."))
    response = whoami(forged)
    assert response.status_code in (400, 401), forged


def test_the_last_character_has_one_spelling(good: str) -> None:
    """Four bits of it say nothing, and a lenient reader takes sixteen strings for the same token."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for other in alphabet:
        if other != good[-1]:
            refuses(good[:-1] + other)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_size_and_depth_are_no_fault_of_ours(good: str) -> None:
    header, payload, signature = good.split(".")
    refuses(f"{header}.{payload}{'A' * 8192}.{signature}")
    refuses(sign(good_header() | {"x": "y" * 500}, claims_of(good)))
    refuses(sign(good_header(), claims_of(good) | {"scope": "index:read:* " * 600}))
    refuses(sign(nested(60), claims_of(good)))
    refuses(sign(good_header(), nested(1500)))
    refuses(sign(good_header(), b"[" * 4000))
    refuses(sign(good_header(), b'{"exp":' + b"9" * 5000 + b"}"))


@pytest.mark.parametrize(
    "part", [b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff\xfe", b"{}", b"NaN", b"\0"], ids=repr
)
def test_a_part_that_is_no_object_is_refused(good: str, part: bytes) -> None:
    for forged in (sign(good_header(), part), sign(part, claims_of(good))):
        refuses(forged)
