"""Bases of rows that a program may have requested; most of them end with that program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

if TYPE_CHECKING:
    from tokens.models.client import OAuthClient
    from tokens.models.service_account import ServiceAccountToken


@dataclass(frozen=True, slots=True)
class Parent:
    """A program that created a token, an OAuth client or a client's secret."""

    type: str
    id: str
    name: str


def program_of(token: ServiceAccountToken | None, client: OAuthClient | None) -> Parent | None:
    if token is not None:
        return Parent("token", token.public_id, token.name)
    if client is not None:
        return Parent("client", client.public_id, client.name)
    return None


class RequestedByProgram(models.Model):
    """A row that a token or an OAuth client may have requested, as ``parent`` or ``parent_client``.

    The parents have no database constraint, because an organization's rows are deleted in any order.
    """

    parent = models.ForeignKey(
        "tokens.ServiceAccountToken",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    parent_client = models.ForeignKey(
        "tokens.OAuthClient",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        parent_id: UUID | None
        parent_client_id: UUID | None

    @property
    def program(self) -> Parent | None:
        return program_of(self.parent, self.parent_client)


class CreatedByProgram(RequestedByProgram):
    """A row that ends with the program that created it. Of the fields only the expiry changes: with that of
    the program, to an earlier one.
    """

    expires_at = models.DateTimeField(null=True, editable=False, help_text="The end of what created it.")

    class Meta:
        abstract = True

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now
