"""Mails that were not sent yet."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import typeid


class OutboxQuerySet(models.QuerySet["OutboxMail"]):
    def unsent(self) -> OutboxQuerySet:
        """Mails that are still retried."""
        return self.filter(given_up_at=None)

    def due(self, now: datetime) -> OutboxQuerySet:
        """Mails that are due, and that no process is sending."""
        return self.unsent().filter(next_try_at__lte=now, claimed_until__lte=now)


class OutboxMail(models.Model):
    """One mail to one address, written in the transaction of what it is about and deleted once it is sent.

    ``content`` is encrypted, because links in mails carry secrets that are stored as digests otherwise.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    to = models.EmailField("recipient", max_length=254)
    subject = models.CharField(max_length=300)
    content = models.TextField()
    digest = models.BinaryField(max_length=32, null=True, help_text="Of the secret in the mail's link.")
    expires_at = models.DateTimeField("link expires", null=True)
    created_at = models.DateTimeField("created", default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField("next try")
    claimed_until = models.DateTimeField()
    last_error = models.CharField(max_length=200, blank=True)
    given_up_at = models.DateTimeField("given up", null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = "unsent mail"
        indexes = (
            models.Index(fields=("next_try_at",), condition=Q(given_up_at=None), name="outbox_by_next_try"),
        )

    def __str__(self) -> str:
        return f"{self.subject} (to {self.to})"
