"""Whole secrets in what people paste into a search box: found, looked up by digest, never repeated."""

from __future__ import annotations

import re
from uuid import UUID

from django.conf import settings

from tokens.crypto import opaque
from tokens.models import ServiceAccountToken

# A run this long is a piece of a secret rather than a name; names that long have spaces or dashes.
SUSPICIOUS_RUN = re.compile(r"[A-Za-z0-9]{24,}", re.ASCII)
MASKED = re.compile(r"(?:.*(?:…|\.\.\.|•+))([A-Za-z0-9]{4})", re.ASCII)


def secret_in(text: str) -> str | None:
    """The token inside pasted text, be it a header, a line of an .env file or the bare string."""
    prefixed = rf"{re.escape(settings.TOKEN_PREFIX)}[A-Za-z0-9]{{{opaque.PREFIXED_LENGTH}}}"
    long_form = rf"[A-Za-z0-9]{{{opaque.LONG_LENGTH}}}"
    found = re.search(rf"(?<![A-Za-z0-9])(?:{prefixed}|{long_form})(?![A-Za-z0-9])", text, re.ASCII)
    return found[0] if found else None


def is_part_of_secret(text: str) -> bool:
    """Whether text should stay out of addresses, because it may be a cut-off secret."""
    begun = settings.TOKEN_PREFIX and settings.TOKEN_PREFIX in text
    rest = text.partition(settings.TOKEN_PREFIX)[2] if begun else ""
    return len(re.sub(r"[^A-Za-z0-9]", "", rest)) > 4 or bool(SUSPICIOUS_RUN.search(text))


def last_four_in(text: str) -> str | None:
    """The last four characters where the text is a token as the list shows it: ``tsr_sa_…x7Qp``."""
    found = MASKED.fullmatch(text)
    return found[1] if found else None


def find(secret: str, organization_id: UUID) -> ServiceAccountToken | None:
    return ServiceAccountToken.objects.filter(
        organization_id=organization_id, secrets__digest=opaque.digest(secret)
    ).first()
