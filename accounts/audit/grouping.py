"""Grouping of sign-in events, so that they leave room for the other events of the audit log page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC

from accounts.audit.actions import ACTIONS_BY_KIND
from accounts.audit.models import AuditEvent

FAILED = frozenset({"user.sign_in_failed", "sso.failed"})
# The reuse of a refresh token is a sign of theft and keeps a row of its own.
GROUPED = ACTIONS_BY_KIND["sign-ins"].keys() - {"refresh.reuse_detected"}


def person(event: AuditEvent) -> tuple[str, str]:
    """Return the id and name of the person who acted, or who was acted on if no person acted."""
    if event.actor_type == "user":
        return event.actor_id, event.actor_name
    return event.target_id, event.target_name


def grouped(
    events: Sequence[AuditEvent], most: int, actions: Collection[str] = GROUPED
) -> list[list[AuditEvent]]:
    """Return the first ``most`` groups of the events, in the events' order.

    In an unbroken run of ``actions`` on one UTC day, the events of one person are one group. Every other
    event is a group by itself. The groups cover a beginning of ``events`` without gaps.
    """
    groups: list[list[AuditEvent]] = []
    run: dict[tuple[str, str], list[AuditEvent]] = {}
    day = None
    for event in events:
        if event.action not in actions or event.at.astimezone(UTC).date() != day:
            run, day = {}, event.at.astimezone(UTC).date()
        group = run.get(person(event))
        if group is None:
            if len(groups) == most:
                break
            group = []
            groups.append(group)
            if event.action in actions:
                run[person(event)] = group
        group.append(event)
    return groups
