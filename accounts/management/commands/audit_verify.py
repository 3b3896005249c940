"""Verifies the audit log's chains, alone and against signed heads that were handed out before."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import typeid
from accounts.audit import export, log
from accounts.audit import heads as audit_heads
from accounts.audit.heads import Head
from accounts.audit.models import AuditChain, AuditEvent
from accounts.models import Organization


class Command(BaseCommand):
    help = "Verify the audit log of every organization, or of one; exits with 1 where something is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", help="Its id or slug.")
        parser.add_argument(
            "--against",
            nargs="+",
            default=[],
            metavar="FILE",
            help="Files with signed heads: daily files, exports or logs. Finds events that were deleted "
            "at the end of a log since, and organizations that are missing.",
        )
        parser.add_argument(
            "--public-key",
            help="The key that signed the heads, as it was noted before; the default is this server's.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        only, key = options["organization"], options["public_key"] or audit_heads.public_key()
        heads: dict[UUID, list[Head]] = defaultdict(list)
        broken = 0
        for file in options["against"]:
            for number, head in enumerate(_heads_in(file), 1):
                if head is not None and head.is_signed_by(key):
                    heads[head.organization_id].append(head)
                    continue
                # The others still count, so that one false head does not hide what they prove.
                problem = f"head {number} was altered, or signed with another key than {key}"
                self.stdout.write(self.style.ERROR(f"{file}: {problem}"))
                broken += 1
        names = self._chosen(only, {*heads})
        problems = {pk: [*_problems(pk, heads[pk])] for pk in names}
        for pk, name in names.items():
            for problem in problems[pk]:
                self.stdout.write(self.style.ERROR(f"{name}: {problem}"))
            if not problems[pk]:
                self.stdout.write(self.style.SUCCESS(f"{name}: intact"))
            broken += bool(problems[pk])
        if broken:
            raise CommandError(f"Broken: {broken}.", returncode=1)

    def _chosen(self, text: str | None, in_files: set[UUID]) -> dict[UUID, str]:
        """Ids and names; a log that outlived its organization is checked too."""
        rows = Organization.objects.order_by("pk").values_list("pk", "name", "slug")
        found = {pk: f"{typeid.encode('org', pk)} {name}" for pk, name, slug in rows if _is(text, pk, slug)}
        with_log = [*AuditChain.objects.values_list("pk", flat=True), *sorted(in_files)]
        with_log += AuditEvent.objects.order_by().values_list("organization_id", flat=True).distinct()
        for pk in with_log:
            if _is(text, pk, ""):
                found.setdefault(pk, typeid.encode("org", pk))
        if text is not None and not found:
            raise CommandError(f"There is no organization {text}.", returncode=2)
        return found


def _is(text: str | None, pk: UUID, slug: str) -> bool:
    return text is None or text in (typeid.encode("org", pk), str(pk), pk.hex, slug)


def _heads_in(file: str) -> list[Head | None]:
    """Raises CommandError for a file that cannot be read or has no heads."""
    try:
        text = Path(file).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{file} cannot be read: {problem}", returncode=2) from None
    found = [*audit_heads.found_in(export.outside_events(text))]
    if not found:
        raise CommandError(f"{file} holds no signed head.", returncode=2)
    return found


def _problems(organization_id: UUID, heads: list[Head]) -> Iterator[str]:
    sequence = log.first_broken(organization_id)
    if sequence is not None:
        yield f"broken at sequence {sequence}"
    events = AuditEvent.objects.filter(organization_id=organization_id)
    if heads and not events.exists() and not Organization.objects.filter(pk=organization_id).exists():
        yield "missing: it was purged after its deletion, or removed from the database"
        return
    for head in sorted(heads, key=lambda head: head.sequence):
        stored = events.filter(sequence=head.sequence).values_list("hash", flat=True).first()
        if head.sequence and stored is None:
            yield f"cut: event {head.sequence}, which a signed head names, is missing"
            return
        if stored is not None and bytes(stored) != head.hash:
            yield f"rewritten: event {head.sequence} is another one than the signed head names"
            return
