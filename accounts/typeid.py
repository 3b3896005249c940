"""Public ids: a type prefix and 26 Crockford base32 characters of a UUIDv7 (TypeID, draft 0.3)."""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
LENGTH = 26


def new() -> UUID:
    return uuid_utils.compat.uuid7()


def encode(prefix: str, value: UUID) -> str:
    """``encode("tok", uuid)`` is ``tok_01h455vb4pex5vsknk084sn02q``."""
    number = value.int
    text = "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{text}"


def decode(prefix: str, text: str) -> UUID:
    """Return the UUID; raise ValueError for another prefix, length, case or alphabet."""
    head, _, body = text.rpartition("_")
    if head != prefix or len(body) != LENGTH:
        raise ValueError(f"not a {prefix} id")
    try:
        number = 0
        for character in body:
            number = number << 5 | VALUES[character]
        return UUID(int=number)
    except (KeyError, ValueError):
        raise ValueError(f"not a {prefix} id") from None
