"""What the secrets of tokens and OAuth clients have in common."""

from __future__ import annotations

from django.db import models


class KnownSecret(models.Model):
    """A secret that a former responsible member may still know, from ``known_since`` until it is rotated.

    The mark belongs to the secret and not to its token or client, so that another secret is without it.
    """

    known_to = models.CharField(max_length=254, blank=True, help_text="The name of who knows it.")
    known_since = models.DateTimeField(null=True, help_text="When they ceased to be responsible.")

    class Meta:
        abstract = True
