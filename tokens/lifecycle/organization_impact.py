"""What revoking every credential of an organization affects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from ratelimit.usage import reports
from tokens.lifecycle.revoke_all import grants_of, running_tokens
from tokens.models import ClientSecret, GrantKind, OAuthClient
from tokens.service_accounts.impact import Impact, impacts, together


@dataclass(frozen=True, slots=True)
class OrganizationImpact:
    """Counts by kind. ``use`` is the recent use of the tokens and clients together."""

    tokens: int
    clients: int
    client_secrets: int
    client_grants: int
    sessions: int
    invitations: int
    members: int
    use: Impact

    @property
    def programs(self) -> int:
        return self.tokens + self.clients


def organization_impact(organization: Organization, now: datetime) -> OrganizationImpact:
    """Return the counts, in a constant number of queries."""
    tokens = list(running_tokens(organization.pk, now).values_list("pk", flat=True))
    clients = list(
        OAuthClient.objects.filter(organization=organization, deleted_at=None).values_list("pk", flat=True)
    )
    used = reports.totals(organization.pk, [*tokens, *clients], now=now)
    grants = grants_of(organization.pk).filter(revoked_at=None)
    return OrganizationImpact(
        tokens=len(tokens),
        clients=len(clients),
        client_secrets=ClientSecret.objects.filter(client__in=clients).count(),
        client_grants=grants.filter(kind=GrantKind.CLIENT).count(),
        sessions=grants.exclude(kind=GrantKind.CLIENT).count(),
        invitations=organization.invitations.open().filter(expires_at__gt=now).count(),
        members=organization.memberships.count(),
        use=together(impacts(organization.pk, used, now).values()),
    )
