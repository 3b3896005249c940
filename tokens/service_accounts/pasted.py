"""Detection of secrets in text pasted into the search box, so that they are never shown or logged."""

from __future__ import annotations

import re

from django.conf import settings

from tokens.crypto import opaque

# Text this long without spaces or dashes is part of a secret rather than a name.
SUSPICIOUS_RUN = re.compile(r"[A-Za-z0-9]{24,}", re.ASCII)
MASKED = re.compile(r"(?:.*(?:…|\.\.\.|•+))([A-Za-z0-9]{4})", re.ASCII)


def secret_in(text: str) -> str | None:
    """Return the token inside pasted text: a header, a line of an .env file or the bare string."""
    prefixed = rf"{re.escape(settings.TOKEN_PREFIX)}[A-Za-z0-9]{{{opaque.PREFIXED_LENGTH}}}"
    long_form = rf"[A-Za-z0-9]{{{opaque.LONG_LENGTH}}}"
    found = re.search(rf"(?<![A-Za-z0-9])(?:{prefixed}|{long_form})(?![A-Za-z0-9])", text, re.ASCII)
    return found[0] if found else None


def is_part_of_secret(text: str) -> bool:
    """Return whether the text may be part of a secret and must not appear in a URL."""
    begun = settings.TOKEN_PREFIX and settings.TOKEN_PREFIX in text
    rest = text.partition(settings.TOKEN_PREFIX)[2] if begun else ""
    return len(re.sub(r"[^A-Za-z0-9]", "", rest)) > 4 or bool(SUSPICIOUS_RUN.search(text))


def last_four_in(text: str) -> str | None:
    """Return the last four characters if the text is a masked token as in the list: ``tsr_sa_…x7Qp``."""
    found = MASKED.fullmatch(text)
    return found[1] if found else None
