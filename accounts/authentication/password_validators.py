"""Password validators: length, common passwords, and words that are easy to guess for this account."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.exceptions import ValidationError

from accounts.models import User

MAX_LENGTH = 1024
PRODUCT = "tessera"
# A password must still be this long without its guessable word.
LEAST_BESIDE = 8
SHORTEST_WORD = 4


class MaximumLengthValidator:
    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"A password has at most {MAX_LENGTH:,} characters."


class ContextValidator:
    """Rejects a password that is little more than the product's or the organization's name."""

    def validate(self, password: str, user: User | None = None) -> None:
        text = _plain(password)
        for word in _words(user):
            if word in text and len(text.replace(word, "")) < LEAST_BESIDE:
                raise ValidationError(
                    "The password is too close to the name of the product or of the organization.",
                    code="password_too_guessable",
                )

    def get_help_text(self) -> str:
        return "It must not be made of the product's or the organization's name."


def _words(user: User | None) -> Iterator[str]:
    yield PRODUCT
    if user is None:
        return
    names = [user.wanted_organization]
    if not user._state.adding:
        names += user.memberships.values_list("organization__name", flat=True)
    for name in names:
        for word in (_plain(name), *map(_plain, name.split())):
            if len(word) >= SHORTEST_WORD:
                yield word


def _plain(text: str) -> str:
    """Letters and digits alone, so that dashes and capitals make no difference."""
    return re.sub(r"[\W_]+", "", text.casefold())
