"""Removal of members, and deactivation and deletion of users. An organization always keeps an owner."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from accounts import errors
from accounts.audit import log
from accounts.audit.log import Target
from accounts.authorization.acts import authorize_staff
from accounts.errors import APIError
from accounts.members import emails
from accounts.models import Membership, Organization, User
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role


@transaction.atomic
@log.batched()
def remove(*, memberships: QuerySet[Membership], actor: Actor) -> int:
    """Remove members of any organizations, all or none; raises APIError(last_owner). Returns how many.

    Staff are authorized here, other actors before. What belongs to a member ends with the row.
    """
    ending = _locked(memberships)
    authorize_staff(actor, [membership.user for membership in ending])
    check_owners(ending)
    for membership in ending:
        left = actor.type == "user" and membership.pk == actor.membership_id
        action = "member.left" if left else "member.removed"
        record(action, membership, actor, role=[membership.role, None])
        if not left:
            outbox.enqueue(emails.removed(membership.organization), membership.user.email)
        membership.delete(actor=actor)
    Organization.objects.advance(membership.organization_id for membership in ending)
    return len(ending)


@transaction.atomic
@log.batched()
def deactivate(*, users: QuerySet[User], actor: Actor) -> list[User]:
    """Deactivate users, all or none; raises APIError(last_owner, forbidden). Return those who were active."""
    pks = list(users.filter(is_active=True).values_list("pk", flat=True))
    memberships = _locked(Membership.objects.filter(user__in=pks))
    check_owners(memberships)
    locked = User.objects.select_for_update(no_key=True).filter(pk__in=pks, is_active=True)
    active = list(locked.order_by("pk"))
    authorize_staff(actor, active)
    for user in active:
        user.is_active = False
        user.save(update_fields=["is_active"], actor=actor)
    _record_people("user.deactivated", active, memberships, actor)
    return active


@transaction.atomic
@log.batched()
def reactivate(*, users: QuerySet[User], actor: Actor) -> list[User]:
    """Reactivate users; what was revoked stays revoked. Return those who were inactive."""
    pks = list(users.filter(is_active=False).values_list("pk", flat=True))
    memberships = _locked(Membership.objects.filter(user__in=pks))
    locked = User.objects.select_for_update(no_key=True).filter(pk__in=pks, is_active=False)
    inactive = list(locked.order_by("pk"))
    authorize_staff(actor, inactive)
    for user in inactive:
        user.is_active = True
        user.save(update_fields=["is_active"], actor=actor)
    _record_people("user.reactivated", inactive, memberships, actor)
    return inactive


@transaction.atomic
@log.batched()
def delete_people(*, users: QuerySet[User], actor: Actor) -> None:
    """Delete users with their memberships, all or none; raises APIError(last_owner, forbidden)."""
    chosen = list(users)
    pks = [user.pk for user in chosen]
    # Also those who belong to no organization.
    authorize_staff(actor, chosen)
    remove(memberships=Membership.objects.filter(user__in=pks), actor=actor)
    User.objects.filter(pk__in=pks).delete()


def check_owners(ending: Collection[Membership]) -> None:
    """Raise if an organization's last active owner is among those who are removed or demoted.

    The caller holds the organizations' locks.
    """
    owning = [m for m in ending if m.role == Role.OWNER and m.user.is_active]
    losing = {m.organization_id for m in owning if m.organization.deleted_at is None}
    owners = Membership.objects.active().filter(organization__in=losing, role=Role.OWNER)
    kept = owners.exclude(pk__in=[membership.pk for membership in ending])
    bare = losing.difference(kept.values_list("organization_id", flat=True))
    if bare:
        names = Organization.objects.filter(pk__in=bare).values_list("name", flat=True)
        raise APIError(errors.LAST_OWNER, detail=f"No owner would be left in {', '.join(names)}.")


def record(action: str, membership: Membership, actor: Actor, **changes: object) -> None:
    """Record an event about a member in their organization's log."""
    log.record(
        organization_id=membership.organization_id,
        action=action,
        actor=actor,
        target=Target("member", membership.public_id, membership.user.display_name),
        changes=changes,
    )


def _locked(memberships: QuerySet[Membership]) -> list[Membership]:
    """Lock the organizations of these memberships, and return the memberships as of now."""
    chosen = dict(memberships.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    return list(
        Membership.objects.filter(pk__in=chosen).select_related("user", "organization").order_by("pk")
    )


def _record_people(
    action: str, people: Collection[User], memberships: Collection[Membership], actor: Actor
) -> None:
    """Record an event in the log of every organization of a user."""
    by_id = {user.pk: user for user in people}
    for membership in memberships:
        if user := by_id.get(membership.user_id):
            log.record(
                organization_id=membership.organization_id,
                action=action,
                actor=actor,
                target=Target("user", user.public_id, user.display_name),
            )
