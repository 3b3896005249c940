"""Tokens as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from ratelimit.usage.reports import Usage
from tokens.listing.permission_chips import PermissionChips
from tokens.models import EXPIRING_DAYS, ServiceAccountToken, Status, TokenQuerySet, TokenSecret
from tokens.service_accounts.excess import least_role
from tokens.service_accounts.records import Record, records

SOON = timedelta(days=3)
LIVE = (Status.ACTIVE, Status.EXPIRING, Status.ROTATING, Status.PAUSED)
REFUSED_LABELS = {
    # The report of the pause shows them.
    Status.PAUSED: "",
    Status.REVOKED: "Refused after revocation",
    Status.LEAKED: "Refused after revocation",
    Status.EXPIRED: "Refused after expiry",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A token's record as pages show it."""

    record: Record
    now: datetime
    creator_is_member: bool

    @property
    def token(self) -> ServiceAccountToken:
        return self.record.token

    @property
    def usage(self) -> Usage:
        return self.record.usage

    @property
    def status(self) -> Status:
        """The status, with Expiring and Rotating as statuses of their own."""
        found = self.token.status(self.now)
        rotating = found in (Status.ACTIVE, Status.EXPIRING) and self.record.rotation
        return Status.ROTATING if rotating else found

    @property
    def rotated_at(self) -> datetime | None:
        """When the current secret was created, if a rotation created it."""
        rotated = any(one.superseded_at for one in self.token.secrets.all())
        return self.token.current_secret.created_at if rotated else None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_revoked(self) -> bool:
        return self.status in (Status.REVOKED, Status.LEAKED)

    @property
    def unused_since(self) -> datetime:
        return self.token.unused_since(self.usage.last_used_at)

    @property
    def is_leaked(self) -> bool:
        """Whether a secret was found in public, and the token has not been rotated since."""
        return (
            self.token.leaked_at is not None and self.token.current_secret.created_at <= self.token.leaked_at
        )

    @property
    def leaked_until(self) -> datetime | None:
        """The end of the overlap in which a secret from before the leak still works."""
        leaked_at = self.token.leaked_at
        if leaked_at is None or self.is_leaked:
            return None
        older = [one for one in self.token.secrets.all() if one.created_at <= leaked_at]
        ends = [one.valid_until for one in older if one.valid_until and one.valid_until > self.now]
        return max(ends, default=None)

    @property
    def known(self) -> TokenSecret | None:
        """The newest valid secret that a former member may know."""
        return self.record.known_secret

    @property
    def least_role(self) -> Role:
        """The lowest role that holds all permissions of the token."""
        return least_role(self.token.permissions)

    @property
    def masked(self) -> str:
        secret = self.token.current_secret
        return f"{secret.prefix}…{secret.last_four}"

    @property
    def chips(self) -> PermissionChips:
        return PermissionChips(self.token.permissions)

    @property
    def refused_label(self) -> str:
        """The label of its refused uses, or "" if they are shown elsewhere."""
        return REFUSED_LABELS.get(self.status, "Refused")

    @property
    def urgency(self) -> str:
        """``now`` if it expires within three days, ``soon`` within two weeks, else ""."""
        left = self.token.expires_at - self.now if self.token.expires_at and self.is_live else None
        if left is None or left > timedelta(days=EXPIRING_DAYS):
            return ""
        return "now" if left <= SOON else "soon"


def tokens_of(organization: Organization) -> TokenQuerySet:
    """Return an organization's tokens, annotated with ``creator_is_member``."""
    present = Membership.objects.active().filter(
        organization_id=OuterRef("organization_id"), user_id=OuterRef("created_by_id")
    )
    mine: TokenQuerySet = ServiceAccountToken.objects.filter(organization=organization).annotate(
        creator_is_member=Exists(present)
    )
    return mine


def rows(tokens: Iterable[ServiceAccountToken], now: datetime) -> list[Row]:
    """Return the rows of one organization's tokens, read by ``tokens_of(…).with_people()``."""
    found = list(tokens)
    if not found:
        return []
    return [
        Row(record, now, bool(getattr(record.token, "creator_is_member", False)))
        for record in records(found[0].organization_id, found, now)
    ]
