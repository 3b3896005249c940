"""Emails about the rotation of tokens. They contain the last four characters of secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import Organization
from accounts.notifications.email import Email, defang
from ratelimit.usage.refused_uses import RefusedAddress
from tokens.models import ServiceAccountToken
from tokens.notifications.emails import TokenWithFacts, creator, page

CHECK_IT = (
    "If no one of you did this, cancel the rotation or revoke the token on its page. Then check the audit "
    "log for other changes."
)
ROTATE_AGAIN = (
    "If no one of you did this, another person may have the old secret: rotate the token without an overlap, "
    "or revoke it. Then check the audit log for other changes."
)
FIND_IT = (
    "If one of your programs still has the old secret, give it the current one. If you know no program at "
    "this address, another person may have the old secret: find out where it was stored."
)
MOST_ADDRESSES = 5


def rotated(organization: Organization, tokens: Sequence[TokenWithFacts]) -> Email:
    """Announce rotations, whose facts are those that ``token_rotated.enqueue`` stores."""
    name = defang(organization.name)
    if len(tokens) > 1:
        return Email(
            f"{len(tokens)} API tokens rotated in {name}",
            (f"{len(tokens)} API tokens of {name} have been rotated.",),
            page("tokens"),
            "See the tokens",
            (CHECK_IT,),
            tuple(
                (defang(token.name), f"by {creator(facts)}, old secret …{facts['previous']}: {_end(facts)}")
                for token, facts in tokens
            ),
        )
    token, facts = tokens[0]
    return Email(
        f"API token rotated in {name}: {defang(token.name)}",
        (f"The API token “{defang(token.name)}” has been rotated in {name} by {creator(facts)}.",),
        page("token_detail", token.public_id),
        "See the token",
        (CHECK_IT,),
        (
            ("New secret", f"…{facts['current']}"),
            ("Old secret", f"…{facts['previous']}: {_end(facts)}"),
            ("Rotated", f"{facts['at']}{_origin(facts)}"),
        ),
    )


def cancelled(organization: Organization, tokens: Sequence[TokenWithFacts]) -> Email:
    """Announce cancelled rotations, whose facts are those of ``token_rotated.enqueue_cancellation``."""
    name = defang(organization.name)
    return Email(
        f"{len(tokens)} rotations cancelled in {name}"
        if len(tokens) > 1
        else f"Rotation cancelled in {name}",
        ("The new secret is refused from now on, and the old one stays valid.",),
        page("tokens"),
        "See the tokens",
        (ROTATE_AGAIN,),
        tuple(
            (
                defang(token.name),
                f"by {creator(facts)}, {facts['at']}{_origin(facts)}, old secret …{facts['previous']}",
            )
            for token, facts in tokens
        ),
    )


def _origin(facts: dict[str, Any]) -> str:
    return f", from the address {facts['address']}" if facts.get("address") else ""


def _end(facts: dict[str, Any]) -> str:
    return f"valid until {facts['ends']} at the latest" if facts["ends"] else "no longer valid"


def superseded_used(
    organization: Organization,
    token: ServiceAccountToken,
    facts: dict[str, Any],
    uses: Sequence[RefusedAddress],
) -> Email:
    """Warn of a use of a secret after its overlap. ``uses`` are all refused ones so far, busiest first."""
    name = defang(token.name)
    sentence = (
        f"An old secret of the API token “{name}” in {defang(organization.name)} was used after its overlap "
        "had ended, and refused. The token’s current secret is not affected."
    )
    busiest = [f"{one.count} from {one.address or 'other addresses'}" for one in uses[:MOST_ADDRESSES]]
    return Email(
        f"An old secret of an API token was used: {name}",
        (sentence,),
        page("token_detail", token.public_id),
        "See the token",
        (FIND_IT,),
        (
            ("Old secret", f"…{facts['secret']}"),
            ("Address", facts["address"] or "Unknown"),
            ("Refused uses so far", ", ".join(busiest) or "1"),
        ),
    )
