"""Opaque secrets of service-account tokens: generation, format and digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from accounts.crypto.random_secrets import ALPHABET, LENGTH, digest, random_text

__all__ = ["ALPHABET", "PREFIXED_LENGTH", "Secret", "digest", "looks_real", "new", "random_text"]

PREFIXED_LENGTH = LENGTH
LONG_LENGTH = 64
LONG = re.compile(rf"[A-Za-z0-9]{{{LONG_LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """A new secret. ``plaintext`` is shown once; the rest may be stored and shown."""

    plaintext: str
    prefix: str

    @property
    def digest(self) -> bytes:
        return digest(self.plaintext)

    @property
    def last_four(self) -> str:
        return self.plaintext[-4:]


def new() -> Secret:
    """Generate a service-account token's secret in the format of TOKEN_FORMAT."""
    if settings.TOKEN_FORMAT == "alphanumeric":
        return Secret(random_text(LONG_LENGTH), "")
    return Secret(settings.TOKEN_PREFIX + random_text(PREFIXED_LENGTH), settings.TOKEN_PREFIX)


def looks_real(raw: str) -> bool:
    """Return whether the text has one of the two formats, which are both accepted."""
    return bool(_prefixed(settings.TOKEN_PREFIX).fullmatch(raw) or LONG.fullmatch(raw))


@lru_cache(maxsize=8)
def _prefixed(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(prefix)}[A-Za-z0-9]{{{PREFIXED_LENGTH}}}", re.ASCII)
