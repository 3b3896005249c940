"""Emails about paused tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import Organization
from accounts.notifications.email import Email, defang
from tokens.models import ServiceAccountToken
from tokens.notifications.emails import TokenWithFacts, creator, page

RESUME = (
    "The page of a paused token shows from which addresses programs still call with it, and resumes it. If "
    "no one of you wanted the pause, check the audit log for other changes."
)


def paused(organization: Organization, tokens: Sequence[TokenWithFacts]) -> Email:
    """Report pauses by one actor, each with the facts of its notice."""
    name = defang(organization.name)
    if len(tokens) > 1:
        by = creator(tokens[0][1])
        return Email(
            f"{len(tokens)} API tokens of {name} are paused",
            (f"{len(tokens)} API tokens of {name} have been paused by {by}. Calls with them are refused.",),
            page("tokens"),
            "See the tokens",
            (RESUME,),
            tuple((defang(token.name), f"{_masked(token)}, {_end(facts)}") for token, facts in tokens),
        )
    token, facts = tokens[0]
    origin = f", from the address {facts['address']}" if facts["address"] else ""
    reason = (("Reason", defang(facts["reason"])),) if facts["reason"] else ()
    sentence = (
        f"The API token “{defang(token.name)}” of {name} has been paused by {creator(facts)}. Every call "
        f"with it is refused {_end(facts)}."
    )
    return Email(
        f"API token paused: {defang(token.name)}",
        (sentence,),
        page("token_detail", token.public_id),
        "See the token",
        (RESUME,),
        (("Token", _masked(token)), ("Paused", f"{facts['at']}{origin}"), *reason),
    )


def _end(facts: dict[str, Any]) -> str:
    return f"until {facts['until']}" if facts["until"] else "until it is resumed"


def _masked(token: ServiceAccountToken) -> str:
    secret = token.current_secret
    return f"{secret.prefix}…{secret.last_four}"
