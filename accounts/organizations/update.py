"""Changes of an organization, by its members and programs, and by staff."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from accounts.audit import log
from accounts.audit.log import Target
from accounts.authorization import policies
from accounts.authorization.rights import authorize_locked
from accounts.models import AuditEvent, Organization, new_publishable_key
from accounts.models.notice import NoticeKind
from accounts.notifications import notices
from accounts.permissions.actor import Actor
from accounts.validation import metadata

MANAGE = "organization.manage"
# Fields that staff set; an organization changes all others itself.
PLAN = ("plan", "requests_per_day")
SUSPENDED = "organization.suspended"


class Changes(TypedDict, total=False):
    """The fields that an organization's members and programs may change."""

    name: str
    never_expiring_allowed: bool
    longest_token_days: int | None
    mfa_required: bool
    sso_required: bool
    sso_provider: str
    sso_tenant: str
    email_domains: list[str]
    allowed_addresses: list[str]
    leaked_tokens: str
    unused_tokens_revoked_after_days: int | None
    metadata: dict[str, str]


@transaction.atomic
@log.batched()
def change(*, actor: Actor, **wanted: Unpack[Changes]) -> Organization:
    """Change what is given of the actor's organization; tokens that exist keep their expiry.

    What was opened without what a policy asks for from now on ends. Raises APIError: where the actor's
    right has just ended; invalid_request for a policy that would lock out all members or the actor.
    """
    rights = authorize_locked(actor, MANAGE)
    organization = rights.member.organization
    before = _values(organization, wanted)
    for field, value in wanted.items():
        setattr(organization, field, value)
    changed = log.difference(before, _values(organization, wanted))
    if changed.keys() - {"name"}:
        policies.require_recent_proof(actor)
    policies.check_change(changed, organization=organization, actor=actor)
    if changed:
        organization.save(update_fields=changed)
    if "unused_tokens_revoked_after_days" in changed:
        # The next policy announces its revocations itself.
        notices.withdraw(organization.pk, NoticeKind.TOKEN_UNUSED)
    # A repeated request publishes again, in case the first one failed after its commit.
    Organization.objects.advance([organization.pk])
    _record_changes(organization, actor, before)
    return organization


@transaction.atomic
def rotate_key(*, actor: Actor) -> Organization:
    """Replace the publishable key; the previous one stops working. Raises APIError."""
    policies.require_recent_proof(actor)
    organization = authorize_locked(actor, MANAGE).member.organization
    before = organization.publishable_key
    organization.publishable_key = new_publishable_key()
    organization.save(update_fields=["publishable_key"])
    Organization.objects.advance([organization.pk])
    endings = [f"…{key[-4:]}" for key in (before, organization.publishable_key)]
    _record("organization.key_rotated", organization, actor, {"publishable_key": endings})
    return organization


@transaction.atomic
def suspend(*, organization: Organization, actor: Actor, reason: str = "") -> bool:
    """Suspend all credentials of the organization; return whether it was active."""
    return _set_suspended(organization, timezone.now(), actor, reason)


@transaction.atomic
def resume(*, organization: Organization, actor: Actor) -> bool:
    """Resume an organization, whose credentials work again; return whether it was suspended."""
    return _set_suspended(organization, None, actor, "")


def suspension_reason(organization: Organization) -> str:
    """Why staff have suspended the organization, read from its audit log; "" without a reason. One query."""
    events = AuditEvent.objects.filter(
        organization=organization, action=SUSPENDED, at__gte=organization.suspended_at
    )
    changes = events.order_by("-sequence").values_list("changes", flat=True).first() or {}
    return str(changes.get("reason", ""))


@transaction.atomic
def set_terms(*, organization: Organization, actor: Actor, fields: Collection[str]) -> None:
    """Save the fields of ``organization`` that staff have changed: plan, daily limit, policy."""
    locked = Organization.objects.locked(organization.pk)
    before = _values(locked, fields)
    for field in fields:
        setattr(locked, field, getattr(organization, field))
    locked.save(update_fields=fields)
    Organization.objects.advance([locked.pk])
    _record_changes(locked, actor, before)


def record_creation(organization: Organization, actor: Actor) -> None:
    """Record the first event of an organization, in the transaction that creates it."""
    _record("organization.created", organization, actor, {"name": [None, organization.name]})


def _set_suspended(organization: Organization, moment: datetime | None, actor: Actor, reason: str) -> bool:
    locked = Organization.objects.locked(organization.pk)
    if (locked.suspended_at is None) == (moment is None):
        Organization.objects.confirm([locked.pk])
        return False
    locked.suspended_at = moment
    locked.save(update_fields=["suspended_at"])
    # Tokens could not be used during a suspension, so that their revocation is announced again.
    notices.withdraw(locked.pk, NoticeKind.TOKEN_UNUSED)
    Organization.objects.advance([locked.pk])
    action = "organization.resumed" if moment is None else SUSPENDED
    _record(action, locked, actor, {"reason": reason} if reason else {})
    return True


def _values(organization: Organization, fields: Iterable[str]) -> dict[str, Any]:
    """Return the values of the fields for the audit log: a plan by its name."""
    return {field: _plain(getattr(organization, field)) for field in fields}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | str | list | dict | None) else str(value)


@log.batched()
def _record_changes(organization: Organization, actor: Actor, before: dict[str, Any]) -> None:
    """Record the changes, of metadata by entry; those of the plan are an event of their own."""
    changed = log.difference(before, _values(organization, before))
    before_entries, entries = changed.pop("metadata", [{}, {}])
    changed |= log.difference(metadata.flat(before_entries), metadata.flat(entries))
    plan = {field: changed.pop(field) for field in PLAN if field in changed}
    if plan:
        _record("organization.plan_changed", organization, actor, plan)
    if changed:
        _record("organization.changed", organization, actor, changed)


def _record(action: str, organization: Organization, actor: Actor, changes: dict[str, Any]) -> None:
    log.record(
        organization_id=organization.pk,
        action=action,
        actor=actor,
        target=Target("organization", organization.public_id, organization.name),
        changes=changes,
    )
