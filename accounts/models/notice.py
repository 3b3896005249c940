"""Transactional outbox of notices: each row is a mail to an organization's members, sent or not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.utils import timezone


class NoticeKind(models.TextChoices):
    """Kinds of notices; those of one kind for one organization are sent in one mail."""

    TOKEN_CREATED = "token_created", "API token created"
    CLIENT_CREATED = "client_created", "OAuth client created"
    TOKEN_EXPIRING = "token_expiring", "API token about to expire"
    TOKEN_ROTATED = "token_rotated", "API token rotated"
    TOKEN_PAUSED = "token_paused", "API token paused"
    TOKEN_LEAKED = "token_leaked", "API token leaked"
    TOKEN_UNUSED = "token_unused", "API token unused"
    SUPERSEDED_USED = "superseded_used", "Superseded secret used"
    REFRESH_REUSED = "refresh_reused", "Refresh token reused"
    PLAN_USED = "plan_used", "Day's plan used up"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self, now: datetime) -> NoticeQuerySet:
        """Notices whose mails are not in the outbox yet."""
        return self.filter(sent_at=None, claimed_until__lte=now)


class Notice(models.Model):
    """A notice, unique by its kind, its subject and ``mark``, the threshold that was passed.

    ``facts`` are those that nobody could look up later; no secret is among them.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="notices"
    )
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    subject = models.UUIDField()
    mark = models.CharField(max_length=20, blank=True)
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    # The version before claims notices by it while both serve.
    claimed_until = models.DateTimeField(default=timezone.now)
    # When its mails were written into the outbox.
    sent_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kind", "subject", "mark"), name="accounts_told_once"),
        )
        indexes = (
            models.Index(
                fields=("organization", "kind"), condition=models.Q(sent_at=None), name="accounts_untold"
            ),
            models.Index(fields=("created_at",), name="accounts_notices_by_age"),
        )

    if TYPE_CHECKING:
        organization_id: UUID

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.mark}".rstrip()
