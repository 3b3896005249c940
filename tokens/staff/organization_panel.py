"""The overview of an organization in the admin: quota, usage, people, programs, policies, recent events."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import F

from accounts.models import Organization
from accounts.models.organization import LeakedTokens
from accounts.staff.audit import page_of
from accounts.staff.panels import (
    Act,
    Fact,
    Panel,
    Row,
    Table,
    UsageChart,
    latest_notes,
    list_url,
    page_url,
    recent_events,
)
from ratelimit.usage import reports
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.usage import report
from tokens.usage.chart import chart
from tokens.usage.report import Figures
from tokens.usage.spans import DEFAULT

KINDS = {"token": "API token", "client": "OAuth client"}
MOST_ROWS = 5
SUPPORT = Act("support", "Support session…")
MEMBERS, INVITATIONS = "accounts_membership", "accounts_invitation"
TOKENS, CLIENTS, EVENTS = "tokens_serviceaccounttoken", "tokens_oauthclient", "accounts_auditevent"


def organization_panel(organization: Organization, status: str, now: datetime) -> Panel:
    figures = report.recent(organization.pk, DEFAULT, now)
    limit = organization.effective_requests_per_day
    return Panel(
        facts=[Fact("Status", _since(organization, status)), *_facts(organization, now)],
        acts=_acts(organization),
        usage=UsageChart(f"Usage of the last {DEFAULT.label}", figures, chart(figures.points, limit), limit),
        tables=[_people(organization), _programs(organization, figures)],
        notes=latest_notes(organization.pk),
        events=recent_events(organization.pk),
        events_url=list_url(EVENTS, organization=organization.public_id),
    )


def _acts(organization: Organization) -> list[Act]:
    if organization.deleted_at is not None:
        return [Act("restore", "Restore")]
    if organization.suspended_at is not None:
        return [Act("resume", "Resume…"), SUPPORT]
    return [Act("suspend", "Suspend…"), SUPPORT]


def _since(organization: Organization, status: str) -> str:
    moment = organization.deleted_at or organization.suspended_at
    return f"{status} since {moment:%Y-%m-%d %H:%M} UTC" if moment else status


def _facts(organization: Organization, now: datetime) -> list[Fact]:
    own = {"organization": organization.public_id}
    tokens = ServiceAccountToken.objects.filter(organization=organization)
    clients = OAuthClient.objects.filter(organization=organization, deleted_at=None)
    last = max(reports.last_uses(organization.pk, now=now).values(), default=None)
    pending = organization.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)
    counts = f"{tokens.active(now).count()} active of {tokens.count()}"
    return [
        Fact("Requests today", _used_today(organization, now)),
        Fact("Plan", organization.plan),
        Fact("Last call", f"{last.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if last else "Never"),
        Fact("Members", organization.memberships.count(), list_url(MEMBERS, **own)),
        Fact("Pending invitations", pending.count(), list_url(INVITATIONS, **own)),
        Fact("API tokens", counts, list_url(TOKENS, **own)),
        Fact("OAuth clients", clients.count(), list_url(CLIENTS, **own)),
        Fact("Policies", ", ".join(_policies(organization)) or "None"),
    ]


def _used_today(organization: Organization, now: datetime) -> str:
    limit = organization.effective_requests_per_day
    used = reports.today(organization.pk, limit, now=now).used
    if limit is None:
        return f"{used:,}, unlimited"
    return f"{used:,} of {limit:,} ({used * 100 // limit} %)" if limit else f"{used:,} of 0"


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


def _people(organization: Organization) -> Table:
    """Return the members who were seen last."""
    members = organization.memberships.select_related("user")
    seen = members.order_by(F("last_seen_at").desc(nulls_last=True), "pk")[:MOST_ROWS]
    return Table(
        "People",
        ("Person", "Role", "Last seen"),
        [
            Row(
                one.user.display_name,
                page_url("accounts_user", one.user_id),
                (one.get_role_display(), _day(one.last_seen_at)),
            )
            for one in seen
        ],
        "All members",
        list_url(MEMBERS, organization=organization.public_id),
        "This organization has no member.",
    )


def _programs(organization: Organization, figures: Figures) -> Table:
    """Return the tokens and clients with the most calls in the chart's days."""
    busiest = [(caller, count) for caller, count in figures.callers if caller.is_charged][:MOST_ROWS]
    return Table(
        "Busiest programs",
        ("Program", "Kind", "Calls"),
        [
            Row(caller.name, page_of(caller.public_id), (KINDS[caller.kind], f"{count.calls:,}"))
            for caller, count in busiest
        ],
        "All API tokens",
        list_url(TOKENS, organization=organization.public_id),
        f"No program has called in {DEFAULT.label}.",
    )


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}" if moment else "Never"
