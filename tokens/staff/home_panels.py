"""Panel of the admin's home about refused credentials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum

from accounts.models import Organization
from accounts.staff import home
from accounts.staff.home import HomePanel, Line
from accounts.staff.panels import list_url, page_url
from ratelimit.models import DailyUsage
from tokens.models import OAuthClient, ServiceAccountToken

TOKENS, CLIENTS = "tokens_serviceaccounttoken", "tokens_oauthclient"


def refused_on(day: date) -> QuerySet[DailyUsage]:
    """Return the day's usage rows of tokens and clients whose secret was refused."""
    return DailyUsage.objects.filter(day=day, refused_uses__gt=0)


def refused(now: datetime, first: int) -> Sequence[Line]:
    """Return the tokens and clients that were refused most often today, as housekeeping has stored it."""
    sums = refused_on(now.astimezone(UTC).date()).values_list("bucket", "subject")
    peaks = list(sums.annotate(uses=Sum("refused_uses")).order_by("-uses", "subject")[:first])
    subjects = [subject for _, subject, _ in peaks]
    organizations = Organization.objects.in_bulk([bucket for bucket, _, _ in peaks])
    tokens: dict[UUID, Any] = ServiceAccountToken.objects.in_bulk(subjects)
    clients: dict[UUID, Any] = OAuthClient.objects.in_bulk(subjects)
    return [
        _line(organizations[bucket], tokens.get(subject), clients.get(subject), uses)
        for bucket, subject, uses in peaks
        if bucket in organizations
    ]


def _line(
    organization: Organization, token: ServiceAccountToken | None, client: OAuthClient | None, uses: int
) -> Line:
    figure = f"{uses:,}"
    if token is not None:
        return Line(token.name, page_url(TOKENS, token.pk), figure, organization.name)
    if client is not None:
        return Line(client.name, page_url(CLIENTS, client.pk), figure, organization.name)
    return Line(organization.name, page_url("accounts_organization", organization.pk), figure, "Sessions")


home.register(
    HomePanel(
        rank=20,
        title="Refused credentials",
        note="Uses of revoked, expired or replaced secrets today.",
        empty="No known secret was refused today.",
        permission="tokens.view_serviceaccounttoken",
        list_url=lambda: list_url(TOKENS, refused="today"),
        lines=refused,
    )
)
