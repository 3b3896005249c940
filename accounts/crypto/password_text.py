"""Passwords as text: é is one password, whether it arrives as one code point or two (NFKC)."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.hashers import make_password


def normalized(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def spellings(password: str) -> tuple[str, ...]:
    """Return what a stored hash may be of: the normal form, and, for older hashes, the text as typed."""
    normal = normalized(password)
    return (normal,) if normal == password else (normal, password)


def hashed(password: str) -> str:
    return make_password(normalized(password))
