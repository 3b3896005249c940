"""What would stop if every credential of an organization ended now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from ratelimit.usage import reports
from tokens.lifecycle.revoke_all import families, running_tokens
from tokens.models import ClientSecret, GrantKind, OAuthClient


@dataclass(frozen=True, slots=True)
class Stopping:
    """Counts; ``calls_24h`` is what the tokens and clients among it have called in the last 24 hours."""

    tokens: int
    clients: int
    client_secrets: int
    client_grants: int
    sessions: int
    invitations: int
    members: int
    calls_24h: int


def stopping(organization: Organization, now: datetime) -> Stopping:
    """The same number of statements, however much it is."""
    tokens = list(running_tokens(organization.pk, now).values_list("pk", flat=True))
    clients = list(
        OAuthClient.objects.filter(organization=organization, deleted_at=None).values_list("pk", flat=True)
    )
    calls = reports.last_24_hours(organization.pk, [*tokens, *clients], now=now)
    open_families = families(organization.pk).filter(revoked_at=None)
    return Stopping(
        tokens=len(tokens),
        clients=len(clients),
        client_secrets=ClientSecret.objects.filter(client__in=clients).count(),
        client_grants=open_families.filter(kind=GrantKind.CLIENT).count(),
        sessions=open_families.exclude(kind=GrantKind.CLIENT).count(),
        invitations=organization.invitations.open().filter(expires_at__gt=now).count(),
        members=organization.memberships.count(),
        calls_24h=sum(calls.values()),
    )
