"""Networks that people have signed in from."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KnownNetwork(models.Model):
    """``network`` is an IPv4 address or an IPv6 /64, as the limits by address have it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_networks"
    )
    network = models.CharField(max_length=50)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "network"), name="accounts_known_network"),)
        indexes = (models.Index(fields=("seen_at",), name="accounts_networks_by_age"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.network}"
