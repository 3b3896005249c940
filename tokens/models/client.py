"""OAuth clients of an organization, and their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership, Organization
from tokens.models.created import CreatedByProgram
from tokens.models.secret import KnownSecret


class RefreshAuth(models.TextChoices):
    """How a client authenticates when it refreshes (seed 003 shows the second)."""

    REQUIRED = "required", "Client secret required"
    ROTATION_ONLY = "rotation_only", "Client id alone"


class OAuthClient(CreatedByProgram):
    """A program that exchanges its own credentials for access tokens (RFC 6749 section 4.4).

    It belongs to the organization and stays when its creator leaves; one that a program created ends with
    that program. ``responsible`` is the member responsible for what it creates.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="clients")
    name = models.CharField(max_length=100)
    scopes = models.JSONField()
    refresh_auth = models.CharField(max_length=20, choices=RefreshAuth.choices, default=RefreshAuth.REQUIRED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    responsible = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="clients"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("organization", "-id"), name="clients_by_organization"),
            models.Index(fields=("parent",), condition=Q(parent__isnull=False), name="clients_by_parent"),
            models.Index(
                fields=("parent_client",),
                condition=Q(parent_client__isnull=False),
                name="clients_by_parent_client",
            ),
        )
        verbose_name = "OAuth client"

    if TYPE_CHECKING:
        organization_id: UUID
        responsible_id: UUID | None
        created_by_id: UUID | None

    # The end of the program that knows the presented secret.
    secret_ends_at: datetime | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return typeid.encode("cli", self.id)

    @property
    def known_secret(self) -> ClientSecret | None:
        """The current secret, if a former member knows it."""
        present = [one for one in self.secrets.all() if one.valid_until is None]
        return next((one for one in present if one.known_since is not None), None)


class ClientSecret(KnownSecret, CreatedByProgram):
    """One of a client's secrets: there are several during the overlap of a rotation.

    ``valid_until`` is the end of the overlap. A secret that a program requested also ends with that program,
    which knows it.
    """

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    shown_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    valid_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(digest__length=32), name="clients_digest_is_32_bytes"),
        )
        indexes = (
            models.Index(fields=("last_four",), name="clients_by_last_four"),
            models.Index(fields=("parent",), condition=Q(parent__isnull=False), name="secrets_by_parent"),
            models.Index(
                fields=("parent_client",),
                condition=Q(parent_client__isnull=False),
                name="secrets_by_parent_client",
            ),
        )

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def ends_at(self) -> datetime | None:
        ends = [end for end in (self.valid_until, self.expires_at) if end is not None]
        return min(ends, default=None)
