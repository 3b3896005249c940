"""Panels above the forms of tokens and clients in the admin."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from accounts.models import Organization
from accounts.staff.panels import Act, Fact, Panel, list_url, page_url, recent_events
from ratelimit.usage import reports
from ratelimit.usage.reports import RefusedUses, Usage
from tokens.models import OAuthClient, ServiceAccountToken, Status

EVENTS = "accounts_auditevent"


def token_panel(token: ServiceAccountToken, masked: str, status: str) -> Panel:
    used = reports.totals(token.organization_id, [token.pk])[token.pk]
    people = [("Created by", token.created_by)]
    if not token.is_orphaned and token.responsible:
        people.append(("Responsible", token.responsible.user))
    return Panel(
        facts=[
            Fact("Status", status),
            Fact("Token", masked),
            Fact("Id", token.public_id),
            *_use(token.organization, used),
            *(Fact(label, user, page_url("accounts_user", user.pk)) for label, user in people if user),
        ],
        acts=_acts_on(token),
        events=recent_events(token.organization_id, token.public_id),
        events_url=list_url(EVENTS, target=token.public_id),
    )


def _acts_on(token: ServiceAccountToken) -> list[Act]:
    if token.revoked_at is not None:
        return []
    now = timezone.now()
    if token.status(now) is Status.EXPIRED or token.is_orphaned:
        return [Act("revoke", "Revoke…")]
    pause = Act("resume", "Resume…") if token.is_paused(now) else Act("pause", "Pause…")
    return [pause, Act("revoke", "Revoke…")]


def client_panel(client: OAuthClient, status: str) -> Panel:
    used = reports.totals(client.organization_id, [client.pk])[client.pk]
    return Panel(
        facts=[Fact("Status", status), Fact("Id", client.public_id), *_use(client.organization, used)],
        acts=[Act("delete_clients", "Delete…")] if client.deleted_at is None else [],
        events=recent_events(client.organization_id, client.public_id),
        events_url=list_url(EVENTS, target=client.public_id),
    )


def _use(organization: Organization, used: Usage) -> list[Fact]:
    return [
        Fact("Organization", organization, page_url("accounts_organization", organization.pk)),
        Fact("Calls", f"{used.calls:,}"),
        Fact("Last used", _moment(used.last_used_at)),
        Fact("Last address", used.last_used_ip or "None"),
        Fact("Refused uses", _refused(used.refused_uses)),
    ]


def _refused(uses: RefusedUses) -> str:
    if not uses.count:
        return "None"
    calls = "1 call" if uses.count == 1 else f"{uses.count:,} calls"
    origin = f" from {uses.last_ip}" if uses.last_ip else ""
    return f"{calls}, last {_moment(uses.last_at)}{origin}"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "Never"
