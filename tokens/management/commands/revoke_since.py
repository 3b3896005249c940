"""Revoke credentials created or changed since a given time, after restoring a backup."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.export import HEAD
from ratelimit.store.client import StoreUnavailable
from tokens.lifecycle import revoke_since
from tokens.lifecycle.revoke_since import Event, Selection

# Changes of other kinds that restrict access: they have to be repeated by hand.
BY_HAND = (
    *("member.removed", "member.left", "member.role_changed", "member.permissions_changed"),
    *("organization.suspended", "organization.changed", "organization.plan_changed", "user.deactivated"),
    *("user.email_changed", "user.mfa_enabled", "token.updated", "client.updated", "client.deleted"),
)


class Command(BaseCommand):
    help = (
        "Revoke every token, client secret, grant, session and invitation created or changed since a given "
        "time, by their rows, the audit log and exports of it. Shows what it would do; --yes does it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("since", type=moment, help="The backup's time: 2026-01-31T08:30:00Z")
        parser.add_argument(
            "--events",
            nargs="+",
            default=[],
            metavar="FILE",
            help="Exports of the audit log (JSON or CSV) made after the backup. They are the only record of "
            "later revocations once the backup is restored.",
        )
        parser.add_argument(
            "--everything",
            action="store_true",
            help="Revoke every credential. Use it without exports.",
        )
        parser.add_argument("--yes", action="store_true", help="Do it.")

    def handle(self, *args: Any, **options: Any) -> None:
        moment_, events = options["since"], []
        for name in options["events"]:
            events += [event for event in exported(Path(name)) if event.at >= moment_]
        events += revoke_since.recorded(moment_)
        chosen = Selection(moment_, revoke_since.affected(events), everything=options["everything"])
        for kind, number in asdict(chosen.counts()).items():
            self.stdout.write(f"{kind.replace('_', ' ')}: {number}")
        if options["yes"]:
            self._end(chosen)
        self._by_hand(events)
        if not options["yes"]:
            self.stdout.write("Nothing was changed. Repeat with --yes to revoke them.")

    def _end(self, chosen: Selection) -> None:
        unconfirmed = 0
        for organization_id in sorted(chosen.organizations()):
            try:
                revoke_since.end_in(organization_id, chosen)
            except StoreUnavailable:
                unconfirmed += 1
        try:
            revoke_since.end_of_people(chosen)
        except StoreUnavailable:
            unconfirmed += 1
        if unconfirmed:
            raise CommandError(
                "Everything is revoked, but Redis is unavailable: restart the servers before going online."
            )
        self.stdout.write(self.style.SUCCESS("Revoked."))

    def _by_hand(self, events: Iterable[Event]) -> None:
        lines = sorted(
            {f"{one.action}  {one.target_id}  {one.target_name}" for one in events if one.action in BY_HAND}
        )
        if lines:
            self.stdout.write("Changed since then, and to be checked by hand:")
        for line in lines:
            self.stdout.write(f"  {ascii(line)[1:-1]}")


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def exported(path: Path) -> Iterator[Event]:
    """Read the events of an export of the audit log. Raises CommandError."""
    try:
        with path.open(newline="") as file:
            if path.suffix == ".csv":
                rows = [row for row in csv.DictReader(file) if row["sequence"] != HEAD]
                yield from (
                    _event(row, row["target_type"], row["target_id"], row["target_name"]) for row in rows
                )
                return
            for row in json.load(file)["events"]:
                target = row["target"]
                yield _event(row, target["type"], target["id"] or "", target["name"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise CommandError(f"{path} is no export of the audit log: {problem!r}") from None


def _event(row: dict[str, Any], *target: str) -> Event:
    return Event(moment(row["at"]), row["action"], *target)
