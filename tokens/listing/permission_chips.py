"""The permissions of a token or client as chips, for ``components/permission_chips.html``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.permissions import picker

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Chip:
    """One permission."""

    text: str
    broad: bool


@dataclass(frozen=True, slots=True)
class PermissionChips:
    """All permissions, and a short form for tables, which shows the first ``shown``."""

    permissions: Sequence[str]
    shown: int = SHOWN

    @property
    def all(self) -> list[Chip]:
        return [Chip(text, picker.is_broad(text)) for text in self.permissions]

    @property
    def first(self) -> list[Chip]:
        return self.all[: self.shown]

    @property
    def hidden(self) -> Sequence[str]:
        """The permissions that the short form does not show."""
        return self.permissions[self.shown :]

    @property
    def are_broad(self) -> bool:
        return any(chip.broad for chip in self.all)
