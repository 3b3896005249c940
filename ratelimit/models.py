"""Plans, and what SQL keeps of the limits: the day's reservations, windows and usage."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.dispatch import Signal

# Arguments: plan, before (its values by field), edited_by (a user of the admin, or None).
plan_changed = Signal()


class Plan(models.Model):
    """Limits of the organizations on a plan, edited in the admin."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    requests_per_day = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Per organization and UTC day. Empty means unlimited."
    )
    burst_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Per organization and minute, counted from its first request. Empty means none.",
    )

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, edited_by: object = None, **kwargs: Any) -> None:
        """Save, and send ``plan_changed`` in the same transaction; ``edited_by`` is a user of the admin."""
        with transaction.atomic():
            # While the row is locked, no organization can move to the plan and miss its change.
            stored = Plan.objects.select_for_update().filter(pk=self.pk)
            before = stored.values("name", "requests_per_day", "burst_per_minute").first()
            super().save(*args, **kwargs)
            if before is not None:
                plan_changed.send(sender=Plan, plan=self, before=before, edited_by=edited_by)


class Reservation(models.Model):
    """Requests reserved of a bucket's day, and the last block that Redis was given.

    ``epoch`` identifies the state of Redis that the block was reserved for. A subject with a limit of its own
    is a bucket ``within`` the one that it belongs to.
    """

    bucket = models.UUIDField()
    within = models.UUIDField(null=True)
    day = models.DateField()
    reserved = models.PositiveBigIntegerField(default=0)
    epoch = models.CharField(max_length=32, default="", blank=True)
    block_start = models.PositiveBigIntegerField(default=0)
    block_end = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("bucket", "day"), name="ratelimit_reservation_bucket_day"),
        )

    def __str__(self) -> str:
        return f"{self.bucket} {self.day}: {self.reserved}"


class Window(models.Model):
    """A running window of a short limit, counted in SQL instead of Redis."""

    key = models.CharField(max_length=200, primary_key=True)
    started_at = models.FloatField()
    hits = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits}"


class DailyUsage(models.Model):
    """Calls of one subject (a token, a client) on one UTC day, cumulative within one epoch of Redis.

    A day's count is the sum over epochs; the empty epoch has the calls counted in SQL. ``refused`` are
    calls over a limit; ``refused_uses`` are uses of a secret that was no longer valid.
    """

    bucket = models.UUIDField()
    subject = models.UUIDField()
    day = models.DateField()
    epoch = models.CharField(max_length=32, default="", blank=True)
    calls = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.GenericIPAddressField(null=True)
    refused_uses = models.PositiveBigIntegerField(default=0, db_default=0)
    last_refused_at = models.DateTimeField(null=True)
    last_refused_ip = models.GenericIPAddressField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "day", "epoch"), name="ratelimit_usage_subject_day_epoch"
            ),
        )
        indexes = (
            models.Index(fields=("bucket", "day"), name="ratelimit_usage_bucket_day"),
            models.Index(
                fields=("day",), condition=models.Q(refused_uses__gt=0), name="ratelimit_usage_day_of_refused"
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject} {self.day}: {self.calls}"


class HourlyUsage(models.Model):
    """Calls and refusals of one subject in one hour, cumulative as in DailyUsage, kept for 90 days."""

    bucket = models.UUIDField()
    subject = models.UUIDField()
    hour = models.DateTimeField()
    epoch = models.CharField(max_length=32, default="", blank=True)
    calls = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "hour", "epoch"), name="ratelimit_usage_subject_hour_epoch"
            ),
        )
        indexes = (models.Index(fields=("bucket", "hour"), name="ratelimit_usage_bucket_hour"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.hour}: {self.calls}"


class DailyKeyUsage(models.Model):
    """Calls with one key of a subject (a secret of a token) on one UTC day, cumulative as in DailyUsage."""

    bucket = models.UUIDField()
    subject = models.UUIDField()
    key = models.BigIntegerField()
    day = models.DateField()
    epoch = models.CharField(max_length=32, default="", blank=True)
    calls = models.PositiveBigIntegerField(default=0)
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "key", "day", "epoch"), name="ratelimit_key_usage_subject_key_day_epoch"
            ),
        )
        indexes = (models.Index(fields=("bucket", "day"), name="ratelimit_key_usage_bucket_day"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.key} {self.day}: {self.calls}"


class RefusedUse(models.Model):
    """Refused uses of a subject for one cause from one address on one UTC day, cumulative as in DailyUsage.

    The address is empty for a use from an unknown one, and for all addresses after a day's first ones.
    """

    bucket = models.UUIDField()
    subject = models.UUIDField()
    cause = models.CharField(max_length=60)
    address = models.CharField(max_length=45, blank=True)
    day = models.DateField()
    epoch = models.CharField(max_length=32, default="", blank=True)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "cause", "day", "epoch", "address"),
                name="ratelimit_refused_use_of_address",
            ),
        )
        indexes = (
            models.Index(fields=("bucket",), name="ratelimit_refused_use_bucket"),
            models.Index(fields=("day",), name="ratelimit_refused_use_day"),
        )

    def __str__(self) -> str:
        return f"{self.subject} {self.cause} {self.address}: {self.count}"


class DailyStatistics(models.Model):
    """Statistics of one subject on one UTC day, kept for 90 days.

    ``ratelimit/statistics/counts.py`` defines the JSON of its columns. Within one epoch of
    Redis the copy with the greater ``revision`` replaces the other. The empty epoch has what was added in SQL
    without Redis.
    """

    bucket = models.UUIDField()
    subject = models.UUIDField()
    day = models.DateField()
    epoch = models.CharField(max_length=32, default="", blank=True)
    revision = models.PositiveBigIntegerField(default=0)
    hours = models.JSONField(default=dict)
    permissions = models.JSONField(default=dict)
    networks = models.JSONField(default=dict)
    methods = models.JSONField(default=dict)
    refusals = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "day", "epoch"), name="ratelimit_statistics_subject_day_epoch"
            ),
        )
        indexes = (
            models.Index(fields=("bucket", "day"), name="ratelimit_statistics_bucket_dy"),
            models.Index(fields=("day",), name="ratelimit_statistics_day"),
        )

    def __str__(self) -> str:
        return f"{self.subject} {self.day}"
