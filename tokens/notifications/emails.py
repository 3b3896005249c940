"""What people are told of their organization's tokens and sessions; of a secret the last four at most."""

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
MAKERS = {"service_account": "the API token", "client": "the OAuth client"}
REPEATED = (
    "A program that repeats a request long after it lost the answer looks the same. If yours does not, find "
    "out where the token was kept, and give the client a new secret."
)
NOT_MINE = (
    "If no program of yours repeats old requests, somebody else has had access to your account: change your "
    "password on the same page, which ends every other session as well."
)
STOP_IT = (
    "If nobody of you has made it, revoke it on its page: it stops at once. Then look through the audit log "
    "for what else was done."
)
Made = tuple[ServiceAccountToken, dict[str, Any]]


def created(organization: Organization, made: Sequence[Made]) -> Email:
    """Each token with the facts of its making: ``by``, ``type`` and ``address``."""
    name = defang(organization.name)
    if len(made) > 1:
        return Email(
            f"{len(made)} new API tokens in {name}",
            (f"{len(made)} API tokens have been created in {name}.",),
            _page("tokens"),
            "See the tokens",
            (
                STOP_IT.replace(
                    "made it, revoke it on its page: it stops", "made them, revoke them: they stop"
                ),
            ),
            tuple(
                (defang(token.name), f"{_masked(token)}, by {_maker(facts)}, {_end(token)}")
                for token, facts in made
            ),
        )
    token, facts = made[0]
    origin = f", from the address {facts['address']}" if facts.get("address") else ""
    return Email(
        f"A new API token in {name}",
        (f"The API token “{defang(token.name)}” has been created in {name} by {_maker(facts)}.",),
        _page("token_detail", token.public_id),
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
        (f"The OAuth client “{defang(client.name)}” has been created in {name} by {_maker(facts)}.",),
        _page("client_detail", client.public_id),
        "See the client",
        (STOP_IT.replace("made it, revoke it on its page: it stops", "created it, delete it: it stops"),),
        (
            ("Client id", client.public_id),
            ("Scopes", _listed(client.scopes)),
            ("Created", f"{dates.exactly(client.created_at)}{origin}"),
        ),
    )


def expiring(
    organization: Organization, tokens: Sequence[tuple[ServiceAccountToken, Usage]], now: datetime
) -> Email:
    """Tokens that end soon, the first to end first."""
    name = defang(organization.name)
    advice = "An expiry cannot be moved. Create a new token, put it in place of the old one, and revoke that."
    if len(tokens) > 1:
        return Email(
            f"{len(tokens)} API tokens of {name} expire soon",
            (f"Programs that use these tokens of {name} are refused once they have expired.",),
            _page("tokens"),
            "See the tokens",
            (advice,),
            tuple((defang(token.name), _last_days(token, used, now)) for token, used in tokens),
        )
    token, used = tokens[0]
    return Email(
        f"API token expires {_ahead(token, now)}: {defang(token.name)}",
        (f"Programs that use this token of {name} are refused once it has expired.",),
        _page("token_detail", token.public_id),
        "See the token",
        (advice,),
        (
            ("Token", _masked(token)),
            ("Expires", _last_day(token)),
            ("Last used", dates.exactly(used.last_used_at) if used.last_used_at else "Never"),
        ),
    )


def reused_to_owners(grant: Grant, facts: dict[str, Any]) -> Email:
    organization = defang(grant.organization.name)
    if grant.client:
        whose = f"of the OAuth client “{defang(grant.client.name)}” in {organization}"
    else:
        person = defang(grant.user.display_name) if grant.user else "a former member"
        whose = f"of {person} in {organization}"
    sentence = (
        f"A refresh token {whose} came back after it had been exchanged. Somebody may have a copy of it, so "
        "everything that was opened with it has ended."
    )
    return Email(
        f"A spent refresh token was used again in {organization}",
        (sentence,),
        _page("audit_log"),
        "See the audit log",
        (REPEATED,),
        _traces(grant, facts),
    )


def reused_to_person(grant: Grant, facts: dict[str, Any]) -> Email:
    organization = defang(grant.organization.name)
    sentence = (
        f"A refresh token of a session of yours in {organization} came back after it had been exchanged. "
        "Somebody may have a copy of it, so the session has ended. Your other sessions go on."
    )
    return Email(
        "A session of yours was ended",
        (sentence,),
        _page("security"),
        "See your sessions",
        (NOT_MINE,),
        _traces(grant, facts),
    )


def _traces(grant: Grant, facts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    begun = f"{dates.exactly(grant.created_at)}, {user_agent.summary(grant.user_agent)}"
    rows = [("Opened", begun if grant.user_agent else dates.exactly(grant.created_at))]
    seen = f", from the address {facts['address']}" if facts.get("address") else ""
    return (*rows, ("Used again", f"{facts['at']}{seen}"))


def _page(name: str, *arguments: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=arguments)}"


def _maker(facts: dict[str, Any]) -> str:
    kind = MAKERS.get(facts.get("type", ""))
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
    return f"{_masked(token)}, expires {_ahead(token, now)}: {_last_day(token)}; {use}"


def _ahead(token: ServiceAccountToken, now: datetime) -> str:
    """``in 3 days``, counted up, because a mail is read later than it was written; ``within a day``."""
    left = (token.expires_at or now) - now
    days = -(-left // timedelta(days=1))
    return f"in {days} days" if days > 1 else "within a day"
