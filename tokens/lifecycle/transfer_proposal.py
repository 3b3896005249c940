"""The proposed transfer when a member is removed: tokens in use, to the member who can take over most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Membership
from tokens.lifecycle.member_impact import MemberImpact


@dataclass(frozen=True, slots=True)
class Proposal:
    """Public ids of the recipient and of the tokens that they may take over."""

    recipient: str
    tokens: list[str]


def proposal(impact: MemberImpact, recipients: Sequence[Membership], remover: Membership) -> Proposal:
    """Propose the remover, unless another member holds the permissions of more tokens in use.

    A token in use that another token created is transferred with that token.
    """
    used = [row.token.pk for row, use in impact.tokens if use.used_in_7_days]
    in_use = list(dict.fromkeys(impact.roots[pk] for pk in used))
    choices = [
        Proposal(
            one.public_id,
            [token.public_id for token in in_use if not one.scopes.missing(token.permissions)],
        )
        for one in sorted(recipients, key=lambda one: one.pk != remover.pk)
    ]
    return max(choices, key=lambda choice: len(choice.tokens), default=Proposal("", []))
