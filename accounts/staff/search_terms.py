"""A parsed search term: a public id, an e-mail address, four characters of a secret, or a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from accounts import typeid
from accounts.validation import addresses

ID = re.compile(r"([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
# As pages show a secret: ``tsr_sa_…x7Qp``; or only the end of it.
LAST_FOUR = re.compile(r"(?:.*(?:…|\.\.\.|•+))?([A-Za-z0-9]{4})", re.ASCII)
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Typed:
    text: str

    @classmethod
    def of(cls, text: str) -> Typed:
        return cls(text.replace("\0", "").strip()[:LONGEST])

    @property
    def is_id(self) -> bool:
        return ID.fullmatch(self.text) is not None

    def ids(self, prefix: str) -> list[UUID]:
        """Return the UUID of a public id with this prefix; [] for any other text."""
        try:
            return [typeid.decode(prefix, self.text)]
        except ValueError:
            return []

    @property
    def address(self) -> str | None:
        """An e-mail address or its beginning, as it is stored."""
        return addresses.normalized(self.text) if "@" in self.text else None

    @property
    def in_address(self) -> str:
        """Return the text to find in stored addresses."""
        return self.address or self.text

    @property
    def last_four(self) -> str | None:
        found = LAST_FOUR.fullmatch(self.text)
        return found[1] if found else None
