"""Secrets that end with a message authentication code, so that SQL is not asked about forged ones.

A code under SECRET_KEY holds at once in every process, while a memory of digests would follow each rotation.
Length and alphabet are those of a secret without a code, so servers of earlier versions accept both, and a
secret that was made before, or under a key that was dropped, is only looked up more slowly past the limit.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from tokens.crypto import opaque

# One forged code of 2 ** 45 is right by chance, and the 35 random characters before it have 208 bits.
CODE_LENGTH = 8


def new(prefix: str) -> str:
    """A secret of ``opaque.PREFIXED_LENGTH`` characters after its prefix."""
    random = prefix + opaque.random_text(opaque.PREFIXED_LENGTH - CODE_LENGTH)
    return random + _code(random, settings.SECRET_KEY)


def is_ours(raw: str) -> bool:
    """Whether a server with one of our keys made the secret; it may have ended since."""
    random, code = raw[:-CODE_LENGTH], raw[-CODE_LENGTH:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(code, _code(random, key)) for key in keys)


def _code(random: str, key: str) -> str:
    full = salted_hmac("tokens.tagged", random, secret=key, algorithm="sha256").digest()
    return "".join(opaque.ALPHABET[byte % len(opaque.ALPHABET)] for byte in full[:CODE_LENGTH])
