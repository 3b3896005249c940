"""Panels above the forms of organizations, tokens and clients in the admin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.models import Organization
from accounts.models.organization import LeakedTokens
from accounts.staff.panels import Act, Day, Fact, Panel, list_url, page_url, recent_events
from ratelimit.usage import reports
from ratelimit.usage.reports import RefusedUses, Usage
from tokens.models import OAuthClient, ServiceAccountToken, Status

DAYS = 7
TOKENS, CLIENTS, EVENTS = "tokens_serviceaccounttoken", "tokens_oauthclient", "accounts_auditevent"


def organization_panel(organization: Organization, status: str, now: datetime) -> Panel:
    own = {"organization": organization.public_id}
    if organization.deleted_at is not None:
        acts = [Act("restore", "Restore")]
    elif organization.suspended_at is not None:
        acts = [Act("resume", "Resume…")]
    else:
        acts = [Act("suspend", "Suspend…")]
    return Panel(
        facts=[Fact("Status", _since(organization, status)), *_figures(organization, now)],
        acts=acts,
        days=_days(organization, now),
        events=recent_events(organization.pk),
        events_url=list_url(EVENTS, **own),
    )


def _since(organization: Organization, status: str) -> str:
    moment = organization.deleted_at or organization.suspended_at
    return f"{status} since {moment:%Y-%m-%d %H:%M} UTC" if moment else status


def _figures(organization: Organization, now: datetime) -> list[Fact]:
    own = {"organization": organization.public_id}
    tokens = ServiceAccountToken.objects.filter(organization=organization)
    clients = OAuthClient.objects.filter(organization=organization, deleted_at=None)
    limit = organization.effective_requests_per_day
    today = reports.today(organization.pk, limit, now=now)
    last = max(reports.last_uses(organization.pk, now=now).values(), default=None)
    pending = organization.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)
    counts = f"{tokens.active(now).count()} active of {tokens.count()}"
    return [
        Fact("Requests today", f"{today.used:,} of {limit:,}" if limit is not None else f"{today.used:,}"),
        Fact("Daily limit", "Unlimited" if limit is None else f"{limit:,} ({organization.plan})"),
        Fact("Last call", _moment(last)),
        Fact("Members", organization.memberships.count(), list_url("accounts_membership", **own)),
        Fact("Pending invitations", pending.count(), list_url("accounts_invitation", **own)),
        Fact("API tokens", counts, list_url(TOKENS, **own)),
        Fact("OAuth clients", clients.count(), list_url(CLIENTS, **own)),
        Fact("Policies", ", ".join(_policies(organization)) or "None"),
    ]


def _policies(organization: Organization) -> list[str]:
    found = {
        "second factor required": organization.mfa_required,
        "single sign-on required": organization.sso_required,
        f"addresses of {', '.join(organization.email_domains)} only": bool(organization.email_domains),
        f"programs call from {', '.join(organization.allowed_addresses)} only": bool(
            organization.allowed_addresses
        ),
        "tokens must expire": not organization.endless_tokens_allowed,
        f"tokens unused for {organization.unused_tokens_revoked_after_days} days are revoked": (
            organization.unused_tokens_revoked_after_days
        ),
        "leaked tokens are not revoked": organization.leaked_tokens == LeakedTokens.NOTIFY,
        f"tokens live {organization.longest_token_days} days at most": organization.longest_token_days,
    }
    return [words for words, holds in found.items() if holds]


def _days(organization: Organization, now: datetime) -> list[Day]:
    last = now.astimezone(UTC).date()
    days = [last - timedelta(days=number) for number in range(DAYS)]
    sums = {day: [0, 0] for day in days}
    for one in reports.by_day(organization.pk, days[-1], last, now=now):
        sums[one.day][0] += one.calls
        sums[one.day][1] += one.refused
    return [Day(day.isoformat(), calls, refused) for day, (calls, refused) in sums.items()]


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
