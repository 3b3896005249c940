"""Validators of names and descriptions: no characters that mislead a reader."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

# Control, format, surrogate, private use, unassigned; line and paragraph separators.
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties.txt), which unicodedata lacks. Unassigned
# code points are reserved in it, so that later versions of Unicode seldom change these ranges.
_IGNORABLE_RANGES = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_IGNORABLE = frozenset(code for first, last in _IGNORABLE_RANGES for code in range(first, last + 1))
# Symbols by their category, but drawn without ink: BRAILLE PATTERN BLANK, MUSICAL SYMBOL NULL NOTEHEAD.
_INKLESS = frozenset((0x2800, 0x1D159))
_FOLDED = dict.fromkeys(_IGNORABLE, "") | dict.fromkeys(_INKLESS, " ")
# Scripts and emoji are joined with these two, which turn nothing around.
_JOINERS = frozenset("\u200c\u200d")
# The part of these rules that an OpenAPI document can express, valid in JavaScript and Python.
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
NAME_PATTERN = r"^(?!.*://)[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
# What mail programs turn into a link; a dot alone is part of legitimate names, such as Example.com.
_ADDRESS = re.compile(r"://|\bhttps?:|\bwww\.|\bmailto:|[\w-]\.[\w-]+/|[\w-]@[\w-]+\.", re.IGNORECASE)

# Django's own rule accepts localhost, where no one can confirm an address.
validate_address = EmailValidator("This is not an e-mail address.", allowlist=[])


def validate_line(value: str) -> None:
    """Raise ValidationError for characters that hide, reorder or break their line."""
    visible = (character for character in value if character not in _JOINERS)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in visible):
        raise ValidationError("This may not hold control or text-direction characters.", code="unprintable")
    if value and not any(map(_is_visible, value)):
        raise ValidationError("This needs a visible character.", code="invisible")


def validate_lines(value: str) -> None:
    """The same for text of several lines."""
    for line in value.split("\n"):
        validate_line(line)


def validate_name(value: str) -> None:
    """A name on one line, without anything that a mail would turn into a link."""
    validate_line(value)
    if _ADDRESS.search(value):
        raise ValidationError("This may not hold a web or mail address.", code="address")


def name_key(name: str) -> str:
    """Return a key by which names are compared: names that look the same have the same key."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_FOLDED)
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _is_visible(character: str) -> bool:
    if ord(character) in _IGNORABLE or ord(character) in _INKLESS:
        return False
    # Controls and formats (C…), spaces and separators (Z…).
    return unicodedata.category(character)[0] not in "CZ"
