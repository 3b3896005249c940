"""Support sessions: read-only access of a member of staff to the pages of an organization."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts import typeid
from accounts.models.organization import Organization
from accounts.models.user import User


class SupportSession(models.Model):
    """A link that works once, and the session that it opens.

    ``expires_at`` is the end of the link until it is used, then of the session.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="support_sessions")
    staff = models.ForeignKey(User, on_delete=models.CASCADE, related_name="support_sessions")
    reason = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32, unique=True)
    opened_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("add",)
        constraints = (
            models.CheckConstraint(condition=Q(digest__length=32), name="support_digest_is_32_bytes"),
        )
        indexes = (
            models.Index(fields=("expires_at",), condition=Q(ended_at=None), name="support_sessions_by_end"),
        )

    if TYPE_CHECKING:
        organization_id: UUID
        staff_id: UUID

    def __str__(self) -> str:
        return f"{self.staff} in {self.organization}"

    def is_running(self, now: datetime) -> bool:
        return self.opened_at is not None and self.ended_at is None and now < self.expires_at
