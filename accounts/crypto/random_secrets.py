"""Random secrets as text, and the digests that are stored of them."""

from __future__ import annotations

from hashlib import sha256

from django.utils.crypto import RANDOM_STRING_CHARS, get_random_string

# Letters and digits, so that a double click selects a whole secret and a URL needs no escape.
ALPHABET = RANDOM_STRING_CHARS
# 43 × log2 62 = 256.03 bits.
LENGTH = 43


def random_text(length: int = LENGTH) -> str:
    """Return characters of ALPHABET from the system's random generator."""
    return get_random_string(length, ALPHABET)


def digest(raw: str) -> bytes:
    """SHA-256 of the string exactly as received: 256 random bits need no salt and no stretching."""
    return sha256(raw.encode()).digest()
