"""The four roles, in descending order of power."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def outranks(self, other: Role) -> bool:
        return self.rank > other.rank


_RANKS = {role: rank for rank, role in enumerate(reversed(Role))}
