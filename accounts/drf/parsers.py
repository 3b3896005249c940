"""Strict JSON parser: rejects bodies that two programs could read differently."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from accounts.errors import PAYLOAD_TOO_LARGE, APIError

MAX_DEPTH = 32
_TOO_DEEP = f"The body is nested more than {MAX_DEPTH} levels deep."
UTF8_NAMES = ("", "utf-8", "utf8", "us-ascii")
# RFC 8259 section 6 promises interoperable integers up to 2**53; our columns hold 2**63.
MAX_INTEGER = 2**63 - 1
MAX_INTEGER_DIGITS = 19


class StrictJSONParser(BaseParser):
    """One JSON object in UTF-8. Raises ``ParseError`` with a sentence, or ``APIError`` (413)."""

    media_type = "application/json"

    def read(self, body: bytes) -> Any:
        return read_object(body)

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {}).get("request")
        params = getattr(request, "content_params", {})
        if params.get("charset", "").lower() not in UTF8_NAMES:
            raise ParseError("The body must be UTF-8.")
        return self.read(_read(stream))


class StrictJSONArrayParser(StrictJSONParser):
    """The same for a JSON array."""

    def read(self, body: bytes) -> list[Any]:
        value = _read_value(body)
        if not isinstance(value, list):
            raise ParseError("The body must be a JSON array.")
        _check(value)
        return value


def read_object(body: bytes) -> dict[str, Any]:
    """Return the object of ``body``; raises ``ParseError`` unless it is plain, finite, unambiguous JSON."""
    value = _read_value(body)
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    _check(value)
    return value


def _read_value(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ParseError("The body must be UTF-8.") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        raise ParseError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not valid JSON: line {error.lineno}, column {error.colno}.") from None
    return value


def _read(stream: IO[bytes]) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    try:
        body = stream.read(limit + 1)
    except OSError:
        raise ParseError("The body ended before it was complete.") from None
    if len(body) > limit:
        raise APIError(PAYLOAD_TOO_LARGE)
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError("The body has the same key twice in one object.")
    return found


def _integer(digits: str) -> int:
    # Check the length first: the conversion of thousands of digits is the attack.
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS or abs(int(digits)) > MAX_INTEGER:
        raise ParseError("The body has an integer that does not fit 64 bits.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ParseError("The body has a number that is too large.")
    return value


def _constant(name: str) -> None:
    raise ParseError(f"{name} is not a JSON number.")


def _check(value: dict[str, Any] | list[Any]) -> None:
    """Check depth and text of all values, level by level instead of by recursion."""
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        inside: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict | list):
                if depth > MAX_DEPTH:
                    raise ParseError(_TOO_DEEP)
                inside.extend(item)
                if isinstance(item, dict):
                    inside.extend(item.values())
        level = inside


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ParseError("The body has a NUL character, which no text may hold.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ParseError("The body has half of a surrogate pair, which no text may hold.") from None
