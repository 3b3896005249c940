"""Emails about paused tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.models import Organization
from accounts.notifications.email import Email, defang
from tokens.models import ServiceAccountToken
from tokens.notifications.emails import CREATORS, TokenWithFacts

RESUME = (
    "The page of a paused token shows from which addresses programs still call with it, and resumes it. If "
    "no one of you wanted the pause, check the audit log for other changes."
)


def paused(organization: Organization, tokens: Sequence[TokenWithFacts]) -> Email:
    """Report pauses by one actor, each with the facts of its notice."""
    name = defang(organization.name)
    if len(tokens) > 1:
        by = _actor(tokens[0][1])
        return Email(
            f"{len(tokens)} API tokens of {name} are paused",
            (f"{len(tokens)} API tokens of {name} have been paused by {by}. Calls with them are refused.",),
            f"{settings.BASE_URL}{reverse('tokens')}",
            "See the tokens",
            (RESUME,),
            tuple((defang(token.name), f"{_masked(token)}, {_end(facts)}") for token, facts in tokens),
        )
    token, facts = tokens[0]
    origin = f", from the address {facts['address']}" if facts["address"] else ""
    reason = (("Reason", defang(facts["reason"])),) if facts["reason"] else ()
    sentence = (
        f"The API token “{defang(token.name)}” of {name} has been paused by {_actor(facts)}. Every call with "
        f"it is refused {_end(facts)}."
    )
    return Email(
        f"API token paused: {defang(token.name)}",
        (sentence,),
        f"{settings.BASE_URL}{reverse('token_detail', args=[token.public_id])}",
        "See the token",
        (RESUME,),
        (("Token", _masked(token)), ("Paused", f"{facts['at']}{origin}"), *reason),
    )


def _actor(facts: dict[str, Any]) -> str:
    kind, name = CREATORS.get(facts["type"]), defang(facts["by"])
    return f"{kind} “{name}”" if kind else name


def _end(facts: dict[str, Any]) -> str:
    return f"until {facts['until']}" if facts["until"] else "until it is resumed"


def _masked(token: ServiceAccountToken) -> str:
    secret = token.current_secret
    return f"{secret.prefix}…{secret.last_four}"
