"""Checks the audit log's chains, and names the first row that is not as it was written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit, ids
from accounts.audit_models import AuditChain, AuditEvent
from accounts.models import Organization


class Command(BaseCommand):
    help = "Verify the audit log of every organization, or of one; exits with 1 where a row is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", help="Its id or slug.")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for organization_id, name in self._chosen(options["organization"]).items():
            sequence = audit.first_broken(organization_id)
            if sequence is None:
                self.stdout.write(self.style.SUCCESS(f"{name}: intact"))
                continue
            broken += 1
            self.stdout.write(self.style.ERROR(f"{name}: broken at sequence {sequence}"))
        if broken:
            raise CommandError(f"Broken: {broken}.", returncode=1)

    def _chosen(self, text: str | None) -> dict[UUID, str]:
        """Ids and names; a log that outlived its organization is checked too."""
        rows = Organization.objects.order_by("pk").values_list("pk", "name", "slug")
        found = {pk: f"{ids.encode('org', pk)} {name}" for pk, name, slug in rows if _is(text, pk, slug)}
        with_log = [*AuditChain.objects.values_list("pk", flat=True)]
        with_log += AuditEvent.objects.order_by().values_list("organization_id", flat=True).distinct()
        for pk in with_log:
            if _is(text, pk, ""):
                found.setdefault(pk, ids.encode("org", pk))
        if text is not None and not found:
            raise CommandError(f"There is no organization {text}.", returncode=2)
        return found


def _is(text: str | None, pk: UUID, slug: str) -> bool:
    return text is None or text in (ids.encode("org", pk), str(pk), pk.hex, slug)
