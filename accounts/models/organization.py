"""Organizations: their plan, policies and generation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, FloatField, OuterRef, Subquery
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from accounts import locking, typeid
from accounts.crypto.random_secrets import random_text
from accounts.models.signals import organization_saving
from accounts.permissions.actor import SYSTEM, Actor
from ratelimit import invalidation
from ratelimit.models import Plan, Reservation

PUBLISHABLE_PREFIX = "tsr_pk_"


def new_publishable_key() -> str:
    """Return a key that names an organization to the password grant. It is public and grants nothing."""
    return PUBLISHABLE_PREFIX + random_text()


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def not_deleted(self) -> OrganizationQuerySet:
        """Exclude organizations that were deleted and wait for their purge."""
        return self.filter(deleted_at=None)

    def near_daily_limit(self, day: date, percent: int) -> OrganizationQuerySet:
        """Restrict to organizations that have reserved ``percent`` of their limit on a UTC day.

        Adds ``per_day``, ``reserved`` and ``share`` in percent. The calls are never more than the
        reservation, and less by at most one block.
        """
        of_day = Reservation.objects.filter(bucket=OuterRef("pk"), day=day).values("reserved")
        per_day = Coalesce("requests_per_day", "plan__requests_per_day")
        limited = self.annotate(per_day=per_day, reserved=Subquery(of_day)).filter(per_day__gt=0)
        share = Cast("reserved", FloatField()) * 100 / F("per_day")
        return limited.annotate(share=share).filter(share__gte=percent)

    def locked(self, organization_id: UUID) -> Organization:
        """Lock the organization's row, which serializes every change of what it owns.

        Call inside a transaction and before any other row's lock. Raises DoesNotExist, also if deleted.
        """
        with locking.extended_lock_timeout():
            return self.not_deleted().select_for_update(no_key=True).get(pk=organization_id)

    def lock_all(self, organization_ids: Iterable[UUID]) -> None:
        """Lock several rows in the order of their ids, to avoid deadlocks; ids without a row are skipped."""
        chosen = self.filter(pk__in=set(organization_ids)).order_by("pk")
        with locking.extended_lock_timeout():
            list(chosen.select_for_update(no_key=True).values_list("pk"))

    def advance(self, organization_ids: Iterable[UUID]) -> None:
        """Increment the generation and publish it, so that every worker discards its cached credentials.

        The caller holds the locks. Raises StoreUnavailable after the commit if Redis cannot be reached.
        """
        chosen = self.filter(pk__in=set(organization_ids))
        chosen.update(generation=F("generation") + 1)
        invalidation.begin(dict(chosen.values_list("pk", "generation")))

    def confirm(self, organization_ids: Iterable[UUID]) -> None:
        """Publish the present generation again."""
        invalidation.republish(
            dict(self.filter(pk__in=set(organization_ids)).values_list("pk", "generation"))
        )


class LeakedTokens(models.TextChoices):
    REVOKE = "revoke", "Revoke at once"
    NOTIFY = "notify", "Notify the owners only"


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, max_length=60)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="organizations")
    requests_per_day = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="This organization's own number; empty means the plan's."
    )
    publishable_key = models.CharField(max_length=60, unique=True, default=new_publishable_key)
    never_expiring_allowed = models.BooleanField(
        "tokens without an expiry allowed",
        default=True,
        help_text="Whether API tokens without an expiry may be created.",
    )
    longest_token_days = models.PositiveSmallIntegerField(
        "longest life of a token in days",
        null=True,
        blank=True,
        help_text="How long a new API token may live at most; empty means 365 days.",
    )
    mfa_required = models.BooleanField(
        "second factor required", default=False, help_text="Members work here with a second factor only."
    )
    sso_required = models.BooleanField(
        "single sign-on required", default=False, help_text="Members sign in by single sign-on only."
    )
    sso_provider = models.CharField(
        "single sign-on provider",
        max_length=30,
        blank=True,
        help_text="The only provider that single sign-on may use; empty means any.",
    )
    sso_tenant = models.CharField(
        "single sign-on tenant",
        max_length=253,
        blank=True,
        help_text="The provider's tenant: Microsoft's tenant id, Google's domain, or an issuer.",
    )
    email_domains = models.JSONField(
        "e-mail domains",
        default=list,
        blank=True,
        help_text="Only addresses of these domains may be invited; empty means any.",
    )
    allowed_addresses = models.JSONField(
        "allowed addresses",
        default=list,
        blank=True,
        db_default=models.Value([], models.JSONField()),
        help_text="Programs may call from these addresses and networks only; empty means any.",
    )
    unused_tokens_revoked_after_days = models.PositiveSmallIntegerField(
        "unused tokens are revoked after days",
        null=True,
        blank=True,
        help_text="API tokens unused for so many days (30 to 365) are revoked; empty means never.",
    )
    leaked_tokens = models.CharField(
        "leaked tokens",
        max_length=10,
        choices=LeakedTokens.choices,
        default=LeakedTokens.REVOKE,
        db_default=LeakedTokens.REVOKE,
        help_text="What happens to an API token that was found in public.",
    )
    metadata = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    generation = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, actor: Actor = SYSTEM, **kwargs: Any) -> None:
        """Save in one transaction with what a deletion revokes; ``actor`` deletes the organization."""
        with transaction.atomic():
            fields = kwargs.get("update_fields")
            organization_saving.send(sender=Organization, instance=self, actor=actor, update_fields=fields)
            super().save(*args, **kwargs)

    @property
    def public_id(self) -> str:
        return typeid.encode("org", self.id)

    @property
    def effective_requests_per_day(self) -> int | None:
        """Requests per day; None is unlimited."""
        return self.plan.requests_per_day if self.requests_per_day is None else self.requests_per_day

    @property
    def endless_tokens_allowed(self) -> bool:
        """Whether a token may have no expiry; a maximum lifetime forbids it as well."""
        return self.never_expiring_allowed and self.longest_token_days is None
