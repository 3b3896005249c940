"""Mailed links: presenting the secret proves that the mail was read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class LinkKind(models.TextChoices):
    SIGN_UP = "sign-up", "Open an account"
    VERIFY = "verify", "Confirm an account's address"
    MOVE = "move", "Move an account to another address"
    RESET = "reset", "Reset a password"
    SIGN_IN = "sign-in", "Sign in"
    INVITATION = "invitation", "Join an organization"


class MailedClaim(models.Model):
    """The claim of a mailed link. ``claim`` is its unique key: issuing it again replaces the link.

    A sign-up has no account yet: its row holds what that request asked for. Addresses without an account
    have rows of the other kinds as well (``user`` is null), so that a request costs the same.
    An invitation's row only holds the secret: the invitation says for which address, and until when.
    """

    claim = models.CharField(max_length=300, unique=True)
    kind = models.CharField(max_length=10, choices=LinkKind.choices)
    email = models.EmailField(max_length=254, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="mailed_claims"
    )
    invitation = models.OneToOneField(
        "accounts.Invitation", null=True, on_delete=models.CASCADE, related_name="mailed_claim"
    )
    password = models.CharField(max_length=128, blank=True, help_text="A hash.")
    name = models.CharField(max_length=100, blank=True)
    organization_name = models.CharField(max_length=100, blank=True)
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(digest__length=32), name="mailed_claims_digest_is_32_bytes"),
            models.CheckConstraint(
                condition=Q(
                    kind=LinkKind.INVITATION, invitation__isnull=False, email="", expires_at__isnull=True
                )
                | Q(~Q(kind=LinkKind.INVITATION), invitation__isnull=True, expires_at__isnull=False),
                name="mailed_claims_invitation_owns_end",
            ),
        )
        indexes = (
            models.Index(fields=("expires_at",), name="mailed_claims_by_end"),
            models.Index(fields=("email",), name="mailed_claims_by_email"),
        )

    if TYPE_CHECKING:
        user_id: UUID | None
        invitation_id: UUID | None

    def __str__(self) -> str:
        return self.claim


class MailedLink(models.Model):
    """Where the version before keeps its links while both serve; this one reads none. Drop it in the next."""

    kind = models.CharField(max_length=10)
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

    def __str__(self) -> str:
        return f"{self.kind} for {self.email}"
