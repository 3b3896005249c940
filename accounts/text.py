"""What a name or a description may hold: text that looks like what it is."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

# Control, format, surrogate, private use, unassigned; line and paragraph separators.
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Scripts and emoji are joined with these two, which turn nothing around.
_JOINERS = frozenset("\u200c\u200d")
# The part of these rules that an OpenAPI document can tell: JavaScript and Python read it alike.
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
NAME_PATTERN = r"^(?!.*://)[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
# What mail programs turn into a link; a dot alone stands in honest names, such as Example.com.
_ADDRESS = re.compile(r"://|\bhttps?:|\bwww\.|\bmailto:|[\w-]\.[\w-]+/|[\w-]@[\w-]+\.", re.IGNORECASE)

# Django's own rule accepts localhost, where no one can confirm an address.
validate_address = EmailValidator("This is not an e-mail address.", allowlist=[])


def validate_line(value: str) -> None:
    """Raise ValidationError where characters hide, reorder or break the line they stand in."""
    visible = (character for character in value if character not in _JOINERS)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in visible):
        raise ValidationError("This may not hold control or text-direction characters.", code="unprintable")
    if value and not value.strip("\u200c\u200d \t"):
        raise ValidationError("This needs a visible character.", code="invisible")


def validate_lines(value: str) -> None:
    """The same for text of several lines."""
    for line in value.split("\n"):
        validate_line(line)


def validate_name(value: str) -> None:
    """A line that names somebody or something, and carries no address into the mails it stands in."""
    validate_line(value)
    if _ADDRESS.search(value):
        raise ValidationError("This may not hold a web or mail address.", code="address")
