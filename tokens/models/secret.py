"""Base of the secrets of tokens and OAuth clients."""

from __future__ import annotations

from django.db import models

# How long the previous secret stays valid after a rotation, by default and at most.
OVERLAP_SECONDS = 86_400
MAX_OVERLAP_SECONDS = 7 * 86_400


class KnownSecret(models.Model):
    """A secret that a former member or an ended program may still know, from ``known_since`` until it ends.

    It is stored with the secret, not with its token or client, so that a rotation clears it.
    """

    known_to = models.CharField(max_length=254, blank=True, help_text="The name of who knows it.")
    known_since = models.DateTimeField(null=True, help_text="When they ceased to be responsible.")

    class Meta:
        abstract = True
