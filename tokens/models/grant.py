"""Grants and their refresh tokens: one refresh token family for each sign-in or client's grant."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership, Organization
from tokens.models.client import OAuthClient


class GrantKind(models.TextChoices):
    """How a grant was opened. It is refreshed at the endpoint of its kind only."""

    SESSION = "session", "Sign-in"
    SINGLE_SIGN_ON = "sso", "Single sign-on"
    PASSWORD = "password", "Password grant"
    CLIENT = "client", "OAuth client"


class Grant(models.Model):
    """An authorization that access and refresh tokens depend on: their ``sid``. A revocation is final.

    ``membership`` and ``browser`` have no database constraint, so that deleting them by any route ends the
    grant through the join.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    kind = models.CharField(max_length=10, choices=GrantKind.choices)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="grants"
    )
    membership = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="grants"
    )
    password_version = models.PositiveIntegerField(default=0)
    client = models.ForeignKey(OAuthClient, null=True, on_delete=models.CASCADE, related_name="grants")
    scope = models.JSONField(
        default=list, help_text="What a client's grant was given; people's is their role's."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(help_text="The family's absolute end, which rotation cannot extend.")
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=100, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    proof = models.JSONField(default=list, help_text="accounts.proof: what was proven when it was opened.")
    browser = models.ForeignKey(
        "usersessions.UserSession",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        help_text="The browser's session that it was exchanged for, and ends with.",
    )
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("user",), condition=Q(revoked_at=None), name="grants_of_user"),
            models.Index(fields=("client",), condition=Q(revoked_at=None), name="grants_of_client"),
            models.Index(fields=("membership",), condition=Q(revoked_at=None), name="grants_of_membership"),
            models.Index(
                fields=("organization",), condition=Q(revoked_at=None), name="grants_of_organization"
            ),
            models.Index(fields=("expires_at",), name="grants_by_end"),
        )

    if TYPE_CHECKING:
        organization_id: UUID
        user_id: UUID | None
        membership_id: UUID | None
        browser_id: int | None
        client_id: UUID | None

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def public_id(self) -> str:
        return typeid.encode("ses", self.id)


class RefreshToken(models.Model):
    """One generation of a refresh token family.

    ``successor`` is the next token, encrypted under a key derived from the presented token, for a retry
    within the grace period. It is deleted afterwards.
    """

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="refresh_tokens")
    generation = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    successor = models.BinaryField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("grant", "generation"), name="refresh_grant_generation"),
            models.CheckConstraint(condition=Q(digest__length=32), name="refresh_digest_is_32_bytes"),
        )
        indexes = (
            models.Index(fields=("used_at",), condition=Q(successor__isnull=False), name="refresh_sealed"),
        )

    if TYPE_CHECKING:
        grant_id: UUID

    def __str__(self) -> str:
        return f"{self.grant_id} generation {self.generation}"
