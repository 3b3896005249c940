"""ID tokens of identity providers, with every check of OpenID Connect Core 3.1.3.7."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt
from django.core.exceptions import ValidationError

from accounts.oidc.http import Deadline
from accounts.oidc.jwks import signing_key
from accounts.oidc.providers import Provider
from accounts.validation import addresses, text

# Both are signed over SHA-256, which at_hash goes by. A shared secret or none is no signature.
KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
LEEWAY_SECONDS = 60
OLDEST_SECONDS = 600
LONGEST_TOKEN = 16_000
LONGEST_SUBJECT = 100


class InvalidIDToken(Exception):
    """Not the provider's word about this person, to us, now; the sentence is for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as their provider knows them. ``issuer`` and ``subject`` are who; the address is a remark.

    ``email`` is empty unless the provider vouches for it, ``domain`` unless its company owns it.
    ``authenticated_at`` is when they last proved themselves there, None where the provider does not say.
    """

    provider: str
    issuer: str
    subject: str
    email: str
    name: str
    tenant: str = ""
    object_id: str = ""
    domain: str = ""
    authenticated_at: int | None = None

    @property
    def key(self) -> str:
        return f"{self.issuer} {self.subject}"


def verify(
    raw: object, *, provider: Provider, nonce: str, access_token: object, deadline: Deadline
) -> Identity:
    """Who signed in; raises InvalidIDToken, and ProviderDown where its keys are out of reach."""
    if not isinstance(raw, str) or len(raw) > LONGEST_TOKEN:
        raise InvalidIDToken("There is no ID token.")
    try:
        claims = _signed_claims(raw, provider, deadline)
        _check_party(claims, provider)
        _check_time(claims)
        _check_nonce(claims, nonce)
        _check_access_token(claims, access_token)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError) as problem:
        raise InvalidIDToken(f"{type(problem).__name__}: {problem}") from None
    return _identity(claims, provider)


def _signed_claims(raw: str, provider: Provider, deadline: Deadline) -> dict[str, Any]:
    header = jwt.get_unverified_header(raw)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in KEY_TYPES or not isinstance(key_id, str):
        raise InvalidIDToken("The algorithm is none of ours, or no key is named.")
    key = signing_key(provider.keys_url, key_id, deadline)
    if key is None or key.get("kty") != KEY_TYPES[algorithm]:
        raise InvalidIDToken("The provider has no such key.")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        raise InvalidIDToken("The key is not for such signatures.")
    unverified = jwt.decode(raw, options={"verify_signature": False})
    issuer = provider.issuer_of(unverified)
    if issuer is None:
        raise InvalidIDToken("The tenant is not one that may sign in here.")
    claims: dict[str, Any] = jwt.decode(
        raw,
        key=jwt.PyJWK(key, algorithm=algorithm),
        algorithms=[algorithm],
        audience=provider.client_id,
        issuer=issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )
    return claims


def _check_party(claims: Mapping[str, Any], provider: Provider) -> None:
    """Another party beside us makes the token's receiver a question, and we don't guess (points 3 to 5)."""
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise InvalidIDToken("It is for several parties and does not say for whom it was made.")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise InvalidIDToken("It was made for another party.")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidIDToken("The subject is no name.")


def _check_time(claims: Mapping[str, Any]) -> None:
    issued_at = claims["iat"]
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise InvalidIDToken("The time of issue is no time.")
    now = time.time()
    # A difference could overflow, because JSON has integers that are too large for a float.
    if not now - OLDEST_SECONDS <= issued_at <= now + LEEWAY_SECONDS:
        raise InvalidIDToken("It was not issued just now.")


def _check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise InvalidIDToken("The nonce is not the one that was sent.")


def _check_access_token(claims: Mapping[str, Any], access_token: object) -> None:
    said = claims.get("at_hash")
    if said is None:
        return
    if not isinstance(said, str) or not isinstance(access_token, str):
        raise InvalidIDToken("It names an access token that did not come with it.")
    half = sha256(access_token.encode()).digest()[:16]
    expected = urlsafe_b64encode(half).rstrip(b"=")
    if not hmac.compare_digest(said.encode(), expected):
        raise InvalidIDToken("It came with another access token.")


def _identity(claims: Mapping[str, Any], provider: Provider) -> Identity:
    object_id, at = claims.get("oid"), claims.get("auth_time")
    return Identity(
        provider=provider.slug,
        issuer=claims["iss"],
        subject=claims["sub"],
        email=_address(claims) if provider.vouches_for_address(claims) else "",
        name=_name(claims.get("name")),
        tenant=provider.tenant_of(claims),
        object_id=object_id[:LONGEST_SUBJECT] if isinstance(object_id, str) else "",
        domain=provider.domain_of(claims),
        authenticated_at=min(at, int(time.time())) if type(at) is int and at >= 0 else None,
    )


def _address(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > addresses.LONGEST:
        return ""
    try:
        return addresses.cleaned(email)
    except ValidationError:
        return ""


def _name(said: object) -> str:
    if not isinstance(said, str):
        return ""
    name = said.strip()[:100]
    try:
        text.validate_name(name)
    except ValidationError:
        return ""
    return name
