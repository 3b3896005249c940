"""Invitations to organizations."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import typeid
from accounts.permissions.roles import Role


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Neither accepted nor revoked; it may have expired."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """An invitation for one verified address. Its link is a MailedClaim."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices)
    # The version before keeps the link's digest here; this one reads none. Drop it in the next version.
    digest = models.BinaryField(max_length=32, unique=True, null=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Without a constraint, as with tokens: an inviter who is gone by any means takes the invitation along.
    inviter = models.ForeignKey(
        "accounts.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="invitations",
    )
    # The token or OAuth client that sent it, with which it ends.
    parent_id = models.UUIDField(null=True, editable=False)
    parent_client_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Null until the mail with the present link was sent.
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="accounts_one_open_invitation",
            ),
        )
        indexes = (
            models.Index(fields=("organization", "-id"), name="invitations_by_organization"),
            models.Index(
                fields=("parent_id",), condition=Q(parent_id__isnull=False), name="invitations_by_parent"
            ),
            models.Index(
                fields=("parent_client_id",),
                condition=Q(parent_client_id__isnull=False),
                name="invitations_by_parent_client",
            ),
        )

    if TYPE_CHECKING:
        organization_id: UUID
        inviter_id: UUID | None

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    @property
    def public_id(self) -> str:
        return typeid.encode("inv", self.id)

    def status(self, now: datetime) -> str:
        """``pending``, ``expired``, ``accepted`` or ``revoked``."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "pending"
