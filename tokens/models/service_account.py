"""Service-account tokens and their secrets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership, Organization
from accounts.permissions.scopes import ScopeSet
from tokens.models.client import OAuthClient
from tokens.models.token_secret import DIGEST_BYTES, TokenSecret

MAX_DAYS = 365
MOST_PERMISSIONS = 100
MOST_REQUESTS = 10**9
EXPIRING_DAYS = 14

# Reasons of revocation with the responsible membership.
REMOVED = "The member responsible for it was removed"
DEACTIVATED = "The person responsible for it was deactivated"


class Status(models.TextChoices):
    ACTIVE = "active", "Active"
    EXPIRING = "expiring", "Expiring"
    ROTATING = "rotating", "Rotating"
    PAUSED = "paused", "Paused"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
    LEAKED = "leaked", "Leaked"

    @property
    def is_final(self) -> bool:
        """Whether the token has ended and never works again."""
        return self in (Status.EXPIRED, Status.REVOKED, Status.LEAKED)


class TokenQuerySet(models.QuerySet["ServiceAccountToken"]):
    def not_stopped(self) -> TokenQuerySet:
        """Filter those not revoked whose responsible member is active and still in the organization."""
        return self.filter(
            revoked_at=None,
            responsible__organization_id=F("organization_id"),
            responsible__user__is_active=True,
        )

    def active(self, now: datetime) -> TokenQuerySet:
        return self.not_stopped().filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def expired(self, now: datetime) -> TokenQuerySet:
        return self.not_stopped().filter(expires_at__lte=now)

    def paused(self, now: datetime) -> TokenQuerySet:
        unresumed = self.filter(paused_at__isnull=False, resumed_at=None)
        return unresumed.filter(Q(paused_until=None) | Q(paused_until__gt=now))

    def pause_over(self, now: datetime) -> TokenQuerySet:
        """Filter active ones whose pause has ended by its ``until``, which no row records yet."""
        return self.active(now).filter(resumed_at=None, paused_until__lte=now)

    def stopped(self) -> TokenQuerySet:
        return self.exclude(pk__in=self.model.objects.not_stopped().values("pk"))

    def with_people(self) -> TokenQuerySet:
        """Select everything that a record shows."""
        return self.select_related(
            "created_by", "revoked_by", "responsible__user", "parent", "parent_client"
        ).prefetch_related("secrets")


class ServiceAccountToken(models.Model):
    """A service account's token. Its permissions can only become narrower.

    The expiry can only come closer, except that a rotation may renew it. A token without an expiry may get
    one. In both cases the 365 days are counted from ``renewed_at``. ``requests_per_day`` is a limit within
    the organization's. A pause lasts from ``paused_at`` until ``paused_until`` or ``resumed_at``, which stay
    for the report of what was refused.

    ``responsible`` has no database constraint, so that deleting the membership by any route, raw SQL
    included, stops the token through the join of the authentication query.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    permissions = models.JSONField()
    metadata = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    allowed_addresses = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    requests_per_day = models.PositiveBigIntegerField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    responsible = models.ForeignKey(
        Membership,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="tokens",
    )
    # The program that created it, with which it ends.
    parent = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="children",
    )
    parent_client = models.ForeignKey(
        OAuthClient,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="children",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    paused_reason = models.CharField(max_length=200, blank=True, db_default="")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_reason = models.CharField(max_length=200, blank=True)
    leaked_at = models.DateTimeField(null=True)
    leak_source = models.CharField(max_length=200, blank=True, db_default="")
    idempotency_digest = models.BinaryField(max_length=DIGEST_BYTES, null=True)

    objects: ClassVar[models.Manager[ServiceAccountToken]] = TokenQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("organization", "-id"), name="tokens_by_organization"),
            models.Index(fields=("organization",), condition=Q(revoked_at=None), name="tokens_not_revoked"),
            models.Index(fields=("responsible",), condition=Q(revoked_at=None), name="tokens_responsible"),
            models.Index(fields=("expires_at",), condition=Q(revoked_at=None), name="tokens_by_expiry"),
            models.Index(
                fields=("paused_until",),
                condition=Q(revoked_at=None, resumed_at=None, paused_until__isnull=False),
                name="tokens_by_pause_end",
            ),
            models.Index(fields=("parent",), condition=Q(parent__isnull=False), name="tokens_by_parent"),
            models.Index(
                fields=("parent_client",),
                condition=Q(parent_client__isnull=False),
                name="tokens_by_parent_client",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(expires_at=None)
                | Q(expires_at__lte=Coalesce("renewed_at", "created_at") + timedelta(days=MAX_DAYS)),
                name="tokens_expiry_within_365_days",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("created_at")),
                name="tokens_revoked_after_created",
            ),
        )
        verbose_name = "API token"

    if TYPE_CHECKING:
        organization_id: UUID
        responsible_id: UUID | None
        created_by_id: UUID | None

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return typeid.encode("tok", self.id)

    @property
    def scopes(self) -> ScopeSet:
        return ScopeSet.of(self.permissions)

    @property
    def current_secret(self) -> TokenSecret:
        """The newest secret, except one whose rotation was cancelled."""
        return max((one for one in self.secrets.all() if not one.revoked_at), key=lambda one: one.pk)

    def known_secret(self, now: datetime) -> TokenSecret | None:
        """Return the newest valid secret that a former member may know, also one in its overlap."""
        known = [one for one in self.secrets.all() if one.known_since is not None and one.is_valid(now)]
        return max(known, key=lambda one: one.pk, default=None)

    @property
    def is_orphaned(self) -> bool:
        """Whether the responsible membership has ended, by any route."""
        try:
            member = self.responsible
        except Membership.DoesNotExist:
            return True
        return member is None or not member.user.is_active or member.organization_id != self.organization_id

    def shorten(self, expires_at: datetime, now: datetime) -> None:
        """Set an earlier expiry, or the first one."""
        if self.expires_at is None:
            self.renewed_at = now
        self.expires_at = expires_at

    def is_paused(self, now: datetime) -> bool:
        if self.paused_at is None or self.resumed_at is not None:
            return False
        return self.paused_until is None or now < self.paused_until

    def unused_since(self, last_used_at: datetime | None) -> datetime:
        """Return the last use; or the last rotation, or the end of the last pause, if that is later."""
        paused_until = None if self.resumed_at else self.paused_until
        moments = (
            last_used_at,
            self.current_secret.created_at,
            self.renewed_at,
            self.resumed_at,
            paused_until,
        )
        return max(moment for moment in (self.created_at, *moments) if moment is not None)

    def status(self, now: datetime) -> Status:
        if self.revoked_at is not None or self.is_orphaned:
            return Status.LEAKED if self.leaked_at else Status.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return Status.EXPIRED
        if self.is_paused(now):
            return Status.PAUSED
        if self.expires_at is None:
            return Status.ACTIVE
        soon = self.expires_at - now <= timedelta(days=EXPIRING_DAYS)
        return Status.EXPIRING if soon else Status.ACTIVE
