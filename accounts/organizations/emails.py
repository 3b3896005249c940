"""Emails to owners about the deletion and the restoration of their organization."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from accounts import dates
from accounts.models import Organization
from accounts.notifications.email import Email, defang


def deleted(organization: Organization, by: str, purged_at: datetime) -> Email:
    name = defang(organization.name)
    return Email(
        f"{name} was deleted",
        (
            (
                f"{defang(by)} has deleted {name} on Tessera. All its API tokens, OAuth clients and "
                "sessions have stopped, and its open invitations no longer work."
            ),
            (
                f"Everything that belongs to it is erased after {dates.exactly(purged_at)}. Until then our "
                "staff can restore it, without what was revoked."
            ),
            "If you did not expect this, write to us before then. Your account stays.",
        ),
    )


def restored(organization: Organization) -> Email:
    name = defang(organization.name)
    return Email(
        f"{name} is back",
        (
            (
                f"{name} on Tessera was restored, with its people, settings and audit log. API tokens, OAuth "
                "clients, sessions and invitations stay revoked: make new ones."
            ),
        ),
        f"{settings.BASE_URL}/",
        "Open Tessera",
    )
