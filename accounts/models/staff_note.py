"""Notes of Tessera's staff about organizations."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.organization import Organization
from accounts.models.user import User


class StaffNote(models.Model):
    """A note that only staff see; it is not changed afterwards."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="staff_notes")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(max_length=2_000)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("add",)
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.text
