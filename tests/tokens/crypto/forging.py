"""JWTs made by hand, so that a test cannot share a mistake with the library that the product uses."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from tokens.crypto import signing_keys

Json = dict[str, Any]


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token: str) -> Json:
    found: Json = json.loads(unb64(token.split(".")[1]))
    return found


def header_of(token: str) -> Json:
    found: Json = json.loads(unb64(token.split(".", maxsplit=1)[0]))
    return found


def good_header() -> Json:
    return {"alg": "ES256", "typ": "at+jwt", "kid": signing_keys.current().signing(time.time()).kid}


def sign(header: Any, payload: Any, private: EllipticCurvePrivateKey | None = None) -> str:
    """By the real key, unless another is given: the signature is never what is wrong with it."""
    private = private or signing_keys.current().signing(time.time()).private
    message = f"{b64(header)}.{b64(payload)}"
    r, s = decode_dss_signature(private.sign(message.encode(), ECDSA(SHA256())))
    return f"{message}.{b64(r.to_bytes(32) + s.to_bytes(32))}"


def hmac_sign(header: Any, payload: Any, secret: bytes, digest: Any = hashlib.sha256) -> str:
    message = f"{b64(header)}.{b64(payload)}"
    return f"{message}.{b64(hmac.new(secret, message.encode(), digest).digest())}"


def ours(**changes: Any) -> Json:
    """The claims that say whose a token is, with changes."""
    return {"iss": settings.BASE_URL, "aud": settings.BASE_URL, **changes}
