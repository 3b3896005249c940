"""Metadata: short texts by name, which an organization stores with a token or with itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError

from accounts.validation.text import validate_line

MOST = 20
LONGEST_NAME = 40
LONGEST_VALUE = 200
NAME_PATTERN = r"[A-Za-z0-9_.\-]{1,40}"
TOO_MANY = f"At most {MOST} entries."
_NAME = re.compile(NAME_PATTERN)
_NAME_FORM = f"Use 1 to {LONGEST_NAME} letters, digits, -, _ and dots."


def normalized(values: Mapping[str, object]) -> dict[str, str]:
    """Return the entries in the order of their names.

    Raises ValueError with a sentence that names the entry.
    """
    if len(values) > MOST:
        raise ValueError(TOO_MANY)
    return {name: _value(name, value) for name, value in sorted(values.items())}


def flat(values: Mapping[str, str]) -> dict[str, str]:
    """Return the entries under the names that the audit log shows: ``metadata.customer``."""
    return {f"metadata.{name}": value for name, value in values.items()}


def _value(name: str, value: object) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"“{name[:LONGEST_NAME]}” is not a name. {_NAME_FORM}")
    if not isinstance(value, str):
        raise ValueError(f"{name}: A value is a text.")
    if len(value) > LONGEST_VALUE:
        raise ValueError(f"{name}: A value has at most {LONGEST_VALUE} characters.")
    try:
        validate_line(value)
    except ValidationError as problem:
        raise ValueError(f"{name}: {problem.message}") from None
    return value
