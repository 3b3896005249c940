"""Models of the audit log: append-only rows in one hash chain per organization."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts import typeid

GENESIS = b"\0" * 32
CHUNK = 2000


class AppendOnly(Exception):
    """An attempt to change or delete an audit event."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def in_order(self) -> Iterator[AuditEvent]:
        """One organization's events, oldest first, however many: without a cursor that stays open, which
        a pooler between transactions could not keep.
        """
        after = 0
        while chunk := list(self.filter(sequence__gt=after).order_by("sequence")[:CHUNK]):
            yield from chunk
            after = chunk[-1].sequence


class AuditChain(models.Model):
    """The end of an organization's chain, locked last in every transaction that appends to it."""

    organization = models.OneToOneField(
        "accounts.Organization", primary_key=True, on_delete=models.CASCADE, related_name="audit_chain"
    )
    sequence = models.PositiveBigIntegerField(default=0)
    head = models.BinaryField(max_length=32, default=GENESIS)

    def __str__(self) -> str:
        return f"{self.organization_id} up to {self.sequence}"


class AuditEvent(models.Model):
    """One act: who (``actor_*``) did what (``action``) to what (``target_*``), when and from where.

    ``changes`` maps a field's name to ``[before, after]``; no secret is ever among them.
    """

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    # Without a constraint: what has happened outlives what it happened to, until the purge.
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="audit_events",
    )
    sequence = models.PositiveBigIntegerField()
    action = models.CharField(max_length=60)
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    target_type = models.CharField(max_length=20, blank=True)
    target_id = models.CharField(max_length=40, blank=True)
    target_name = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    changes = models.JSONField(default=dict)
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "sequence"), name="audit_organization_sequence"),
        )
        indexes = (
            models.Index(fields=("organization", "action", "-sequence"), name="audit_by_action"),
            models.Index(fields=("organization", "-at"), name="audit_by_time"),
            # What staff look for across organizations.
            models.Index(fields=("action", "-id"), name="audit_of_action"),
            models.Index(fields=("actor_id", "-id"), condition=~Q(actor_id=""), name="audit_of_actor"),
            models.Index(fields=("target_id", "-id"), condition=~Q(target_id=""), name="audit_of_target"),
        )
        ordering = ("-sequence",)

    if TYPE_CHECKING:
        organization_id: UUID

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    @property
    def public_id(self) -> str:
        return typeid.encode("evt", self.id)

    def computed_hash(self) -> bytes:
        """SHA-256 of the hash before and of every column, as canonical JSON (sorted, no spaces)."""
        content = {
            "id": self.id.hex,
            "organization": self.organization_id.hex,
            "sequence": self.sequence,
            "action": self.action,
            "actor": [self.actor_type, self.actor_id, self.actor_name],
            "target": [self.target_type, self.target_id, self.target_name],
            "at": self.at.isoformat(timespec="microseconds"),
            "address": self.address,
            "request_id": self.request_id,
            "changes": self.changes,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(bytes(self.prev_hash) + text.encode()).digest()
