"""Static bearer tokens of internal services for /internal/* only; two may be valid during a rotation."""

from __future__ import annotations

from functools import lru_cache
from hmac import compare_digest

from django.conf import settings

from tokens.credentials.credential import Credential
from tokens.crypto import opaque

PATH = "/internal/"


def matches(raw: str) -> bool:
    """Compare the digest with that of every configured token, in constant time."""
    presented = opaque.digest(raw)
    found = False
    for known in _digests(tuple(settings.INTERNAL_TOKENS)):
        found |= compare_digest(presented, known)
    return found


@lru_cache(maxsize=2)
def _digests(tokens: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(map(opaque.digest, tokens))


CREDENTIAL = Credential(type="internal", auth_kind="internal", id=None, name="internal", limit_request=None)
