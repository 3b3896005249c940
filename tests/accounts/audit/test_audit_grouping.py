"""Sign-in events of one person and day are one group; every other event is a group by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from accounts.audit.actions import ACTIONS_BY_KIND, KINDS
from accounts.audit.grouping import grouped
from accounts.audit.models import AuditEvent

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def events(*described: str, hours: int = 0) -> list[AuditEvent]:
    """Return events, newest first, of lines ``actor action`` or ``actor target action``; - is anonymous."""
    made = []
    for number, text in enumerate(described):
        *names, action = text.split()
        actor, target = names[0], names[-1]
        made.append(
            AuditEvent(
                sequence=len(described) - number,
                action=action,
                actor_type="anonymous" if actor == "-" else "user",
                actor_id="" if actor == "-" else actor,
                target_id=target,
                at=NOON - timedelta(hours=number * hours),
            )
        )
    return made


def sequences(found: list[AuditEvent], most: int = 50) -> list[list[int]]:
    return [[event.sequence for event in group] for group in grouped(found, most)]


def test_interleaved_sign_ins_are_grouped_by_person() -> None:
    found = events(
        "ada user.signed_in", "bob user.signed_in", "ada session.opened", "- bob user.sign_in_failed"
    )
    assert sequences(found) == [[4, 2], [3, 1]]


def test_another_event_ends_the_run() -> None:
    found = events("ada user.signed_in", "ada token.created", "ada user.signed_in")
    assert sequences(found) == [[3], [2], [1]]


def test_the_reuse_of_a_refresh_token_is_not_grouped() -> None:
    found = events("ada session.opened", "ada refresh.reuse_detected", "ada session.opened")
    assert sequences(found) == [[3], [2], [1]]


def test_a_new_day_begins_a_new_group() -> None:
    found = events(*["ada user.signed_in"] * 4, hours=10)
    assert sequences(found) == [[4, 3], [2, 1]]


def test_at_most_so_many_groups_cover_the_beginning_without_gaps() -> None:
    found = events("ada user.signed_in", "bob user.signed_in", "ada user.signed_in", "eve user.signed_in")
    assert sequences(found, most=2) == [[4, 2], [3]]
    assert sequences(found, most=1) == [[4]]


def test_every_action_has_exactly_one_kind() -> None:
    actions = [action for found in ACTIONS_BY_KIND.values() for action in found]
    assert len(actions) == len(set(actions))
    assert ACTIONS_BY_KIND.keys() == KINDS.keys()
