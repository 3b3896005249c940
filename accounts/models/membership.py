"""Memberships: the role and the further permissions of a user in an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from accounts import typeid
from accounts.models.organization import Organization
from accounts.models.signals import membership_deleting
from accounts.models.user import User
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from accounts.permissions.scopes import ScopeSet


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(user__is_active=True)

    def of(self, user: User) -> MembershipQuerySet:
        """Return a user's memberships of organizations that are not deleted, oldest first."""
        mine = self.filter(user=user, organization__deleted_at=None)
        return mine.select_related("organization__plan").order_by("joined_at", "pk")


class Membership(models.Model):
    """A user's membership in an organization. Removal deletes the row; a user who returns gets a new one."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    permissions = models.JSONField(default=list, blank=True, help_text="Permissions beyond the role's.")
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="accounts_one_membership"),
        )

    if TYPE_CHECKING:
        organization_id: UUID
        user_id: UUID

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    def delete(self, *args: Any, actor: Actor = SYSTEM, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete in one transaction with what belongs to the member; ``actor`` removes the member."""
        with transaction.atomic():
            membership_deleting.send(sender=Membership, instance=self, actor=actor)
            return super().delete(*args, **kwargs)

    @property
    def public_id(self) -> str:
        return typeid.encode("mem", self.id)

    @property
    def scopes(self) -> ScopeSet:
        held = role_scopes(self.role).texts
        return ScopeSet.of((*held, *self.permissions))
