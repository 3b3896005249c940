"""Access tokens as JWTs (RFC 9068): signing and verification."""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

import jwt
from django.conf import settings

from tokens.crypto import opaque, signing_keys

TYPE = "at+jwt"
LEEWAY_SECONDS = 30
# Below the limit of servers for one header, and enough for MAX_SCOPE characters of scope.
MAX_LENGTH = 8000
MAX_SCOPE = 4000
MAX_HEADER = 400
MAX_TIME = 2**37
SHAPE = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)
TEXT_CLAIMS = ("iss", "sub", "jti", "client_id", "sid", "org", "scope")


class InvalidJWT(Exception):
    """The token was not signed by this server, or was modified."""


class ExpiredJWT(Exception):
    """The token is valid but has expired."""


@dataclass(frozen=True, slots=True)
class Claims:
    """``sid`` is the token's grant, ``kid`` its key; times are epoch seconds."""

    sub: str
    client_id: str
    sid: str
    org: str
    scope: str
    jti: str
    iat: int
    exp: int
    kid: str


class Verified(NamedTuple):
    """Claims whose signature this process has verified. Times are checked at each use."""

    key: signing_keys.SigningKey
    base_url: str
    claims: dict[str, Any]


_verified: dict[bytes, Verified] = {}
_writing = Lock()


def encode(*, sub: str, client_id: str, sid: str, org: str, scope: str, jti: str, iat: int, exp: int) -> str:
    key = signing_keys.current().signing(time.time())
    claims = {
        "iss": settings.BASE_URL,
        "aud": settings.BASE_URL,
        "sub": sub,
        "client_id": client_id,
        "sid": sid,
        "org": org,
        "scope": scope,
        "jti": jti,
        "iat": iat,
        "exp": exp,
    }
    return jwt.encode(claims, key.private, signing_keys.ALGORITHM, headers={"typ": TYPE, "kid": key.kid})


def looks_real(raw: str) -> bool:
    """Return whether the string has the format of a JWT. Nothing is parsed."""
    return len(raw) <= MAX_LENGTH and SHAPE.fullmatch(raw) is not None


def decode(raw: str, now: float | None = None) -> Claims:
    """Verify a token of :func:`looks_real` shape; raise InvalidJWT or ExpiredJWT (RFC 9068 section 4).

    The signature is verified once in a process, and again if the key of that id has changed.
    """
    now = time.time() if now is None else now
    digest = opaque.digest(raw)
    known = _verified.get(digest)
    if known is None or known.base_url != settings.BASE_URL or not _still_verifies(known.key, now):
        known = _verify(raw, now)
        _remember(digest, known)
    return _typed(known.claims, known.key, now)


def _verify(raw: str, now: float) -> Verified:
    key = _key_of(raw, now)
    try:
        # PyJWT accepts only the canonical encoding of the signature.
        claims = jwt.decode(
            raw,
            key.public,
            algorithms=[signing_keys.ALGORITHM],
            audience=settings.BASE_URL,
            issuer=settings.BASE_URL,
            # Times are checked in ``_typed``, against the caller's clock.
            options={
                "require": ["exp", "iat", "iss", "sub", "aud", "jti", "client_id"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
        raise InvalidJWT from problem
    return Verified(key, settings.BASE_URL, claims)


def _still_verifies(key: signing_keys.SigningKey, now: float) -> bool:
    return signing_keys.verifying(key.kid, now) is key


def _remember(digest: bytes, proven: Verified) -> None:
    with _writing:
        while len(_verified) >= settings.CREDENTIAL_MEMORY_SIZE:
            del _verified[next(iter(_verified))]
        _verified[digest] = proven


def _key_of(raw: str, now: float) -> signing_keys.SigningKey:
    part = raw.partition(".")[0]
    if len(part) > MAX_HEADER:
        raise InvalidJWT
    try:
        header = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as problem:
        raise InvalidJWT from problem
    if not isinstance(header, dict) or "crit" in header:
        raise InvalidJWT
    kind, kid = header.get("typ"), header.get("kid")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != TYPE:
        raise InvalidJWT
    if header.get("alg") != signing_keys.ALGORITHM or not isinstance(kid, str):
        raise InvalidJWT
    key = signing_keys.verifying(kid, now)
    if key is None:
        raise InvalidJWT
    return key


def _typed(claims: dict[str, Any], key: signing_keys.SigningKey, now: float) -> Claims:
    exp, iat, nbf = claims["exp"], claims["iat"], claims.get("nbf", 0)
    if any(type(number) is not int for number in (exp, iat, nbf)):
        raise InvalidJWT
    if not all(isinstance(claims.get(name), str) for name in TEXT_CLAIMS):
        raise InvalidJWT
    if not 0 <= iat <= exp <= MAX_TIME or max(iat, nbf) > now + LEEWAY_SECONDS:
        raise InvalidJWT
    # No server signs with a key once its successor does, so this key was disclosed.
    if key.signs_until is not None and iat > key.signs_until + LEEWAY_SECONDS:
        raise InvalidJWT
    if exp + LEEWAY_SECONDS <= now:
        raise ExpiredJWT
    return Claims(
        sub=claims["sub"],
        client_id=claims["client_id"],
        sid=claims["sid"],
        org=claims["org"],
        scope=claims["scope"],
        jti=claims["jti"],
        iat=iat,
        exp=exp,
        kid=key.kid,
    )
