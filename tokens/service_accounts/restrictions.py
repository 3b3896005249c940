"""Allowed addresses and the daily limit of a token, which also bound the tokens that it creates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.permissions.actor import Actor
from accounts.validation import networks
from tokens.models import ServiceAccountToken


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Networks and a limit of requests per day; () and None restrict nothing."""

    allowed_addresses: Sequence[str] = ()
    requests_per_day: int | None = None

    def within(self, outer: Restrictions) -> Restrictions:
        """Return these, and the outer ones in place of those that restrict nothing."""
        limit = outer.requests_per_day if self.requests_per_day is None else self.requests_per_day
        return Restrictions(self.allowed_addresses or outer.allowed_addresses, limit)

    def problems(self, outer: Restrictions) -> dict[str, list[str]]:
        """Return sentences by field about what is wider than the outer ones."""
        outside = networks.outside(self.allowed_addresses, outer.allowed_addresses)
        problems = [
            f"“{text}” is outside the addresses of the token that creates this one." for text in outside
        ]
        most, limit = outer.requests_per_day, self.requests_per_day
        is_higher = most is not None and limit is not None and limit > most
        higher = [f"At most {most}, the limit of the token that creates this one."] if is_higher else []
        return {"allowedAddresses": problems, "requestsPerDay": higher}


def of_actor(actor: Actor) -> Restrictions:
    """Return the restrictions of a token that acts; none of any other actor.

    Call it under the organization's lock.
    """
    if actor.type != "service_account" or actor.id is None:
        return Restrictions()
    token = ServiceAccountToken.objects.get(pk=actor.id)
    return Restrictions(token.allowed_addresses, token.requests_per_day)
