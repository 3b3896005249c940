"""The secrets of service-account tokens: one, or two while a rotation's overlap lasts."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from tokens.models.created import RequestedByProgram
from tokens.models.secret import KnownSecret

DIGEST_BYTES = 32

models.BinaryField.register_lookup(Length)


class TokenSecretQuerySet(models.QuerySet["TokenSecret"]):
    def valid(self, now: datetime) -> TokenSecretQuerySet:
        """Exclude secrets of cancelled rotations, and superseded ones whose overlap has ended."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=now), revoked_at=None)


class TokenSecret(KnownSecret, RequestedByProgram):
    """The digest of a token's plaintext, which was shown once.

    A rotation sets ``superseded_at`` and ``valid_until`` of the present secret and creates the next one. With
    ``closes_previous_after_seconds`` the next one's first use ends the overlap that long afterwards.
    ``revoked_at`` is set if the rotation that created the secret was cancelled. ``shown_to`` is the person
    who requested it, or the member responsible for the program that did. The secret does not end with that
    program, but is then marked as known.
    """

    token = models.ForeignKey("tokens.ServiceAccountToken", on_delete=models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=DIGEST_BYTES, unique=True)
    prefix = models.CharField(max_length=40, blank=True)
    last_four = models.CharField(max_length=4)
    shown_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    superseded_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    closes_previous_after_seconds = models.PositiveIntegerField(null=True)
    first_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # From the token's first rotation on, calls are counted for each secret as well.
    is_counted = models.BooleanField(default=False, db_default=False)
    idempotency_digest = models.BinaryField(max_length=DIGEST_BYTES, null=True)

    objects = TokenSecretQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(digest__length=DIGEST_BYTES), name="tokens_digest_is_32_bytes"
            ),
        )
        indexes = (
            models.Index(fields=("last_four",), name="tokens_by_last_four"),
            models.Index(
                fields=("parent",), condition=Q(parent__isnull=False), name="token_secrets_by_parent"
            ),
            models.Index(
                fields=("parent_client",),
                condition=Q(parent_client__isnull=False),
                name="token_secrets_by_client",
            ),
        )

    def __str__(self) -> str:
        return f"…{self.last_four}"

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.valid_until is None or self.valid_until > now)
