"""Teams: people with proven addresses, invitations, and what the audit log says of them."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress

from accounts.audit_models import AuditEvent
from accounts.invitations import Invited, invite
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from tests.people import actor, make_user


def make_proven(email: str, **fields: Any) -> User:
    """A person who belongs nowhere yet."""
    user = make_user(email, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_invited(
    inviter: Membership, email: str = "grace@example.com", role: Role = Role.MEMBER, **how: Any
) -> Invited:
    return invite(actor=actor(inviter), email=email, role=role, **how)


def trail(organization: Organization) -> list[tuple[str, str, str]]:
    """Every event of the organization, oldest first: action, actor's type and target's name."""
    events = AuditEvent.objects.filter(organization=organization).order_by("sequence")
    return [(one.action, one.actor_type, one.target_name) for one in events]


def changes(organization: Organization, action: str) -> list[dict[str, Any]]:
    events = AuditEvent.objects.filter(organization=organization, action=action).order_by("sequence")
    return [one.changes for one in events]
