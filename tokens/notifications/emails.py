"""Emails about an organization's tokens, clients and sessions. They contain at most the last four characters
of a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import dates
from accounts.models import Organization
from accounts.notifications.email import Email, defang
from ratelimit.usage.reports import Usage
from tokens import user_agent
from tokens.models import Grant, OAuthClient, ServiceAccountToken

MOST_PERMISSIONS = 6
CREATORS = {"service_account": "the API token", "client": "the OAuth client"}
REPEATED = (
    "A program that repeats an old request after losing the response looks the same. If yours does not do "
    "that, find out where the token was stored, and rotate the client's secret."
)
NOT_MINE = (
    "If no program of yours repeats old requests, another person may have access to your account: change "
    "your password on the same page, which ends every other session as well."
)
STOP_IT = (
    "If no one of you created it, revoke it on its page: it stops at once. Then check the audit log for "
    "other changes."
)
RENEW = (
    "To renew a token, rotate it on its page with a new expiry, and give its programs the new secret in time."
)
TokenWithFacts = tuple[ServiceAccountToken, dict[str, Any]]


def created(organization: Organization, tokens: Sequence[TokenWithFacts]) -> Email:
    """Announce new tokens. The facts of each creation are ``by``, ``type`` and ``address``."""
    name = defang(organization.name)
    if len(tokens) > 1:
        return Email(
            f"{len(tokens)} new API tokens in {name}",
            (f"{len(tokens)} API tokens have been created in {name}.",),
            page("tokens"),
            "See the tokens",
            (
                STOP_IT.replace(
                    "created it, revoke it on its page: it stops", "created them, revoke them: they stop"
                ),
            ),
            tuple(
                (defang(token.name), f"{_masked(token)}, by {creator(facts)}, {_end(token)}")
                for token, facts in tokens
            ),
        )
    token, facts = tokens[0]
    origin = f", from the address {facts['address']}" if facts.get("address") else ""
    return Email(
        f"A new API token in {name}",
        (f"The API token “{defang(token.name)}” has been created in {name} by {creator(facts)}.",),
        page("token_detail", token.public_id),
        "See the token",
        (STOP_IT,),
        (
            ("Token", _masked(token)),
            ("Permissions", _permissions(token)),
            ("Expires", _last_day(token)),
            ("Created", f"{dates.exactly(token.created_at)}{origin}"),
        ),
    )


def client_created(organization: Organization, client: OAuthClient, facts: dict[str, Any]) -> Email:
    name = defang(organization.name)
    origin = f", from the address {facts['address']}" if facts.get("address") else ""
    return Email(
        f"A new OAuth client in {name}",
        (f"The OAuth client “{defang(client.name)}” has been created in {name} by {creator(facts)}.",),
        page("client_detail", client.public_id),
        "See the client",
        (STOP_IT.replace("revoke it on its page: it stops", "delete it on its page: it stops"),),
        (
            ("Client id", client.public_id),
            ("Scopes", _listed(client.scopes)),
            ("Created", f"{dates.exactly(client.created_at)}{origin}"),
        ),
    )


def expiring(
    organization: Organization, tokens: Sequence[tuple[ServiceAccountToken, Usage]], now: datetime
) -> Email:
    """Warn of tokens that expire soon, sorted by expiry."""
    name = defang(organization.name)
    if len(tokens) > 1:
        return Email(
            f"{len(tokens)} API tokens of {name} expire soon",
            (f"Programs that use these tokens of {name} are refused once they have expired.",),
            page("tokens"),
            "See the tokens",
            (RENEW,),
            tuple((defang(token.name), _last_days(token, used, now)) for token, used in tokens),
        )
    token, used = tokens[0]
    return Email(
        f"API token expires {_ahead(token, now)}: {defang(token.name)}",
        (f"Programs that use this token of {name} are refused once it has expired.",),
        page("token_detail", token.public_id),
        "See the token",
        (RENEW,),
        (
            ("Token", _masked(token)),
            ("Expires", _last_day(token)),
            ("Last used", dates.exactly(used.last_used_at) if used.last_used_at else "Never"),
            *((("Status", "Paused"),) if token.is_paused(now) else ()),
        ),
    )


def reused_to_owners(grant: Grant, facts: dict[str, Any]) -> Email:
    organization = defang(grant.organization.name)
    if grant.client:
        owner = f"of the OAuth client “{defang(grant.client.name)}” in {organization}"
    else:
        person = defang(grant.user.display_name) if grant.user else "a former member"
        owner = f"of {person} in {organization}"
    sentence = (
        f"A refresh token {owner} was used again after it had been exchanged. It may have been copied, so "
        "all tokens of its grant were revoked."
    )
    return Email(
        f"A refresh token was used twice in {organization}",
        (sentence,),
        page("audit_log"),
        "See the audit log",
        (REPEATED,),
        _traces(grant, facts),
    )


def reused_to_person(grant: Grant, facts: dict[str, Any]) -> Email:
    organization = defang(grant.organization.name)
    sentence = (
        f"A refresh token of your session in {organization} was used again after it had been exchanged. "
        "It may have been copied, so the session was ended. Your other sessions continue."
    )
    return Email(
        "A session of yours was ended",
        (sentence,),
        page("security"),
        "See your sessions",
        (NOT_MINE,),
        _traces(grant, facts),
    )


def _traces(grant: Grant, facts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    opened = f"{dates.exactly(grant.created_at)}, {user_agent.summary(grant.user_agent)}"
    rows = [("Opened", opened if grant.user_agent else dates.exactly(grant.created_at))]
    seen = f", from the address {facts['address']}" if facts.get("address") else ""
    return (*rows, ("Used again", f"{facts['at']}{seen}"))


def page(name: str, *arguments: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=arguments)}"


def creator(facts: dict[str, Any]) -> str:
    kind = CREATORS.get(facts.get("type", ""))
    name = defang(str(facts.get("by", "")))
    return f"{kind} “{name}”" if kind else name


def _masked(token: ServiceAccountToken) -> str:
    secret = token.current_secret
    return f"{secret.prefix}…{secret.last_four}"


def _permissions(token: ServiceAccountToken) -> str:
    return _listed(token.permissions)


def _listed(permissions: Sequence[str]) -> str:
    first = ", ".join(permissions[:MOST_PERMISSIONS])
    more = len(permissions) - MOST_PERMISSIONS
    return f"{first}, and {more} more" if more > 0 else first


def _last_day(token: ServiceAccountToken) -> str:
    return dates.exactly(token.expires_at) if token.expires_at else "Never"


def _end(token: ServiceAccountToken) -> str:
    return f"expires {_last_day(token)}" if token.expires_at else "never expires"


def _last_days(token: ServiceAccountToken, used: Usage, now: datetime) -> str:
    use = f"last used {dates.relative(used.last_used_at, now)}" if used.last_used_at else "never used"
    state = "paused, " if token.is_paused(now) else ""
    return f"{_masked(token)}, expires {_ahead(token, now)}: {_last_day(token)}; {state}{use}"


def _ahead(token: ServiceAccountToken, now: datetime) -> str:
    """Return ``in 3 days``, rounded up, because an email is read later than written, or ``within a day``."""
    left = (token.expires_at or now) - now
    days = -(-left // timedelta(days=1))
    return f"in {days} days" if days > 1 else "within a day"
