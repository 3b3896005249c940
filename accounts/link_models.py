"""Links that were mailed to people: who holds the secret has read the mail."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class LinkKind(models.TextChoices):
    VERIFY = "verify", "Confirm an address"
    RESET = "reset", "Reset a password"
    SIGN_IN = "sign-in", "Sign in"


class MailedLink(models.Model):
    """The newest link of a kind to an address; making another replaces it, so that only that one works.

    Addresses without an account have a row as well (``user`` is null), so that asking costs the same.
    """

    kind = models.CharField(max_length=10, choices=LinkKind.choices)
    email = models.EmailField(max_length=254)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="mailed_links"
    )
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kind", "email"), name="mailed_links_newest_only"),
            models.CheckConstraint(condition=Q(digest__length=32), name="mailed_links_digest_is_32_bytes"),
        )
        indexes = (models.Index(fields=("expires_at",), name="mailed_links_by_end"),)

    if TYPE_CHECKING:
        user_id: UUID | None

    def __str__(self) -> str:
        return f"{self.kind} for {self.email}"
