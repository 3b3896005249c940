"""Invalid ID tokens: each is refused with a page, and signs no one in."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from accounts.oidc import jwks
from tests.accounts.authentication.sign_in_by import google, is_inside, microsoft, sign_in_by
from tests.accounts.oidc import fake_provider
from tests.accounts.oidc.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    EC_KEY,
    OTHER_RSA_KEY,
    RSA_KEY,
    TENANT,
    FakeProvider,
    jwk,
)

__all__ = ["google", "microsoft"]
pytestmark = pytest.mark.django_db
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
Spoil = Callable[[FakeProvider], Any]


def says(**claims: Any) -> Spoil:
    return lambda provider: provider.claims.update(claims)


def in_seconds(name: str, seconds: float) -> Spoil:
    return lambda provider: provider.claims.update({name: int(time.time() + seconds)})


def resigned(key: Any, algorithm: str, **headers: Any) -> Spoil:
    """The right claims, signed by something else."""

    def spoil(provider: FakeProvider) -> None:
        def change(token: str) -> str:
            claims = jwt.decode(token, options={"verify_signature": False})
            named = {name: value for name, value in ({"kid": "first"} | headers).items() if value is not None}
            return jwt.encode(claims, key, algorithm=algorithm, headers=named)

        provider.change = change

    return spoil


def part(text: bytes) -> str:
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def edited(token: str) -> str:
    """The claims of another person under this signature."""
    header, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "=="))
    return f"{header}.{part(json.dumps(claims | {'sub': 'somebody-else'}).encode())}.{signature}"


def changed(how: Callable[[str], str]) -> Spoil:
    return lambda provider: setattr(provider, "change", how)


def with_key(**members: Any) -> Spoil:
    return lambda provider: provider.keys[0].update(members)


SPOILT: dict[str, Spoil] = {
    "claims edited": changed(edited),
    "signature cut off": changed(lambda token: token.rpartition(".")[0] + "."),
    "signature of another token": changed(lambda token: f"{token[:-20]}{'A' * 20}"),
    "another key": resigned(OTHER_RSA_KEY, "RS256"),
    "no signature": resigned(None, "none"),
    "our secret as key": resigned(CLIENT_SECRET * 3, "HS256"),
    "an algorithm not listed": resigned(RSA_KEY, "PS256"),
    "a longer hash": resigned(RSA_KEY, "RS512"),
    "a key of another kind": resigned(EC_KEY, "ES256"),
    "no key named": resigned(RSA_KEY, "RS256", kid=None),
    "an unknown key": resigned(RSA_KEY, "RS256", kid="third"),
    "a key for encryption": with_key(use="enc"),
    "a key for another algorithm": with_key(alg="PS256"),
    "no token": changed(lambda token: ""),
    "no JWT": changed(lambda token: "not.a.token"),
    "a token too long": says(filler="x" * 20_000),
    "another issuer": says(iss="https://accounts.evil.example"),
    "no issuer": says(iss=None),
    "another audience": says(aud="somebody-else"),
    "a list without us": says(aud=["somebody-else"]),
    "several and no azp": says(aud=[CLIENT_ID, "somebody-else"]),
    "several and another azp": says(aud=[CLIENT_ID, "somebody-else"], azp="somebody-else"),
    "another azp": says(azp="somebody-else"),
    "an empty azp": says(azp=""),
    "no audience": says(aud=None),
    "expired": in_seconds("exp", -61),
    "no expiry": says(exp=None),
    "issued later": in_seconds("iat", 120),
    "issued long ago": in_seconds("iat", -700),
    "no time of issue": says(iat=None),
    "a time that is a word": says(iat="now"),
    "a time that no float holds": says(iat=-(10**400)),
    "another nonce": says(nonce="another"),
    "no nonce": says(nonce=None),
    "a nonce that is no Unicode": says(nonce="\ud800"),
    "a nonce that is a list": says(nonce=["another"]),
    "another access token": says(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "an empty hash of the access token": says(at_hash=""),
    "an access token's hash that is no Unicode": says(at_hash="\ud800"),
    "no subject": says(sub=None),
    "an empty subject": says(sub=""),
    "a subject that is a number": says(sub=7),
    "a subject of two lines": says(sub="a\nb"),
}


def assert_refused(provider: FakeProvider, slug: str = "google") -> None:
    browser = Client()
    response = sign_in_by(browser, provider, slug)
    assert response.status_code == 400
    assert b"You are not signed in" in response.content
    assert b"Traceback" not in response.content
    assert not is_inside(browser)
    assert not User.objects.exists()


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_token_that_is_not_right_signs_nobody_in(spoil: Spoil, google: FakeProvider) -> None:
    spoil(google)
    assert_refused(google)


def test_a_hash_of_an_access_token_that_did_not_come_is_refused(
    google: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_provider, "ACCESS_TOKEN", None)
    assert_refused(google)


@pytest.mark.parametrize(
    "claims",
    [
        {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "somebody-else"], "azp": CLIENT_ID},
        {"at_hash": None},
    ],
)
def test_every_right_form_is_taken(claims: dict[str, Any], google: FakeProvider) -> None:
    """Else the table above would prove nothing."""
    google.claims |= claims
    assert sign_in_by(Client(), google).status_code == 302


def issuer(tenant: str) -> str:
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


MICROSOFTS: dict[str, dict[str, Any]] = {
    "another tenant": {"tid": OTHER_TENANT, "iss": issuer(OTHER_TENANT)},
    "an issuer that is not the tenant's": {"iss": issuer(OTHER_TENANT)},
    "a tenant that is not the issuer's": {"tid": OTHER_TENANT},
    "no tenant": {"tid": None},
    "the template itself": {"tid": "{tenant}", "iss": issuer("{tenant}")},
    "a tenant that is a path": {"tid": "../common", "iss": issuer("../common")},
    "an earlier version's issuer": {"iss": f"https://sts.windows.net/{TENANT}/"},
}


@pytest.mark.parametrize("claims", MICROSOFTS.values(), ids=MICROSOFTS.keys())
def test_another_tenant_signs_nobody_in(claims: dict[str, Any], microsoft: FakeProvider) -> None:
    microsoft.claims |= claims
    assert_refused(microsoft, "microsoft")


@pytest.mark.parametrize(
    ("setting", "tenant", "admitted"),
    [
        ("common", OTHER_TENANT, True),
        ("common", PERSONAL, True),
        ("organizations", OTHER_TENANT, True),
        ("organizations", PERSONAL, False),
        ("consumers", PERSONAL, True),
        ("consumers", OTHER_TENANT, False),
    ],
)
def test_which_tenants_come_in(
    setting: str, tenant: str, admitted: bool, microsoft: FakeProvider, settings: Any
) -> None:
    settings.SINGLE_SIGN_ON["microsoft"]["tenant"] = setting
    microsoft.claims |= {"tid": tenant, "iss": issuer(tenant)}
    assert sign_in_by(Client(), microsoft, "microsoft").status_code == (302 if admitted else 400)


def test_keys_are_asked_for_once_and_again_for_a_new_name(google: FakeProvider) -> None:
    for _ in range(2):
        assert sign_in_by(Client(), google).status_code == 302
    assert google.asked.count("/keys") == 1
    google.key, google.key_id = OTHER_RSA_KEY, "rotated"
    google.keys = [jwk(OTHER_RSA_KEY, "rotated", "RS256")]
    assert sign_in_by(Client(), google).status_code == 302
    assert google.asked.count("/keys") == 2


def test_an_unknown_key_id_fetches_the_keys_at_most_once_a_minute(google: FakeProvider) -> None:
    sign_in_by(Client(), google)
    google.key_id = "unknown"
    for _ in range(3):
        assert sign_in_by(Client(), google).status_code == 400
    assert google.asked.count("/keys") == 2
    minute = f"{jwks.cache_key(f'{google.url}/keys')}:unknown"
    assert 0 < cache.ttl(minute) <= 60
    cache.delete(minute)
    assert sign_in_by(Client(), google).status_code == 400
    assert google.asked.count("/keys") == 3
