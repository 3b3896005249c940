"""Secrets that end with a message authentication code, so that forged ones cost no query.

The code is an HMAC under SECRET_KEY, so that every process can verify it at once. Length and alphabet are
those of a secret without a code, so that servers of earlier versions accept both. A secret without a valid
code, from an earlier version or under a removed key, is still looked up, at a lower rate for addresses past
their limit.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from tokens.crypto import opaque

# A guessed code is valid with a probability of at most 2 ** -45; the 35 random characters have 208 bits.
CODE_LENGTH = 8


def new(prefix: str) -> str:
    """Generate a secret of ``opaque.PREFIXED_LENGTH`` characters after its prefix."""
    random = prefix + opaque.random_text(opaque.PREFIXED_LENGTH - CODE_LENGTH)
    return random + _code(random, settings.SECRET_KEY)


def has_valid_code(raw: str) -> bool:
    """Return whether the secret was generated under one of our keys. It may have expired since."""
    random, code = raw[:-CODE_LENGTH], raw[-CODE_LENGTH:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(code, _code(random, key)) for key in keys)


def _code(random: str, key: str) -> str:
    full = salted_hmac("tokens.tagged", random, secret=key, algorithm="sha256").digest()
    return "".join(opaque.ALPHABET[byte % len(opaque.ALPHABET)] for byte in full[:CODE_LENGTH])
