"""What a request may name beside its credential: an index of the organization, and an end user."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.utils import timezone

from accounts import typeid


class Index(models.Model):
    """A named resource of an organization, which permissions may name: ``index:read:<uuid>``."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="indexes"
    )
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "indexes"
        constraints = (
            models.UniqueConstraint(fields=("organization", "name"), name="accounts_one_index_name"),
        )
        indexes = (models.Index(fields=("organization", "-id"), name="indexes_by_organization"),)

    if TYPE_CHECKING:
        organization_id: UUID

    def __str__(self) -> str:
        return self.name


class EndUser(models.Model):
    """A user of an organization's own product, known by the UUIDv7 that the organization gave them."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="end_users"
    )
    uuid = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "uuid"), name="accounts_one_end_user"),
        )

    if TYPE_CHECKING:
        organization_id: UUID

    def __str__(self) -> str:
        return str(self.uuid)


class EndUserCount(models.Model):
    """How many end users an organization has: written with each of them, under the organization's lock."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, primary_key=True, related_name="end_user_count"
    )
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.count}"
