"""Deletion of an organization, effective immediately. Staff can restore it for 30 days."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.audit.log import Target
from accounts.authorization import policies
from accounts.authorization.rights import authorize_locked
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Membership, Organization
from accounts.notifications import outbox
from accounts.notifications.email import Email
from accounts.organizations import emails
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role

GRACE = timedelta(days=30)
LONGEST_SLUG = 60


@transaction.atomic
@log.batched()
def delete(*, actor: Actor, typed_name: str, now: datetime | None = None) -> Organization:
    """Delete the actor's organization, for an owner in person who has typed its name.

    Every credential stops with it (tokens.lifecycle.organization_deletion); owners get mail. Raises APIError:
    forbidden for any other actor, invalid_request with fields for another name.
    """
    policies.require_recent_proof(actor)
    rights = authorize_locked(actor)
    if actor.type != "user" or rights.role is not Role.OWNER:
        raise APIError(errors.FORBIDDEN, detail="Only an owner deletes the organization.")
    organization = rights.member.organization
    # A page shows several spaces as one, so users type one.
    if typed_name.split() != organization.name.split():
        sentence = f"Type {organization.name} to confirm."
        raise APIError(errors.INVALID_REQUEST, fields={"name": [sentence]})
    _end(organization, actor, now or timezone.now())
    return organization


@transaction.atomic
@log.batched()
def delete_by_staff(*, organization: Organization, actor: Actor, now: datetime | None = None) -> bool:
    """Delete an organization as staff; return False if it was deleted already."""
    found = _locked(organization)
    if found.deleted_at is not None:
        Organization.objects.confirm([found.pk])
        return False
    _end(found, actor, now or timezone.now())
    return True


@transaction.atomic
@log.batched()
def restore(*, organization: Organization, actor: Actor, now: datetime | None = None) -> bool:
    """Restore an organization within GRACE; return whether it was deleted.

    What was revoked stays revoked. Raises APIError(not_found) once the purge may have begun.
    """
    found = _locked(organization)
    if found.deleted_at is None:
        return False
    if not is_restorable(found, now or timezone.now()):
        raise APIError(errors.NOT_FOUND, detail=f"{found.name} was deleted too long ago.")
    found.deleted_at = None
    former = found.slug.removesuffix(_ending(found))
    if not Organization.objects.filter(slug=former).exists():
        found.slug = former
    found.save(update_fields=["deleted_at", "slug"])
    Organization.objects.advance([found.pk])
    _email_owners(found, emails.restored(found))
    _record("organization.restored", found, actor)
    return True


def is_restorable(organization: Organization, now: datetime) -> bool:
    return organization.deleted_at is not None and now < organization.deleted_at + GRACE


def _end(organization: Organization, actor: Actor, now: datetime) -> None:
    organization.deleted_at = now
    # A new organization may have the slug.
    ending = _ending(organization)
    organization.slug = organization.slug[: LONGEST_SLUG - len(ending)] + ending
    organization.save(update_fields=["deleted_at", "slug"], actor=actor)
    invitations.withdraw(invitations=organization.invitations.open(), actor=actor, now=now)
    Organization.objects.advance([organization.pk])
    _email_owners(organization, emails.deleted(organization, actor.name, now + GRACE))
    _record("organization.deleted", organization, actor)


def _ending(organization: Organization) -> str:
    """Return the suffix that makes a deleted organization's slug unique."""
    return f"-{organization.pk.hex[-12:]}"


def _locked(organization: Organization) -> Organization:
    """Lock the organization, deleted or not; raises APIError(not_found) once it is purged."""
    found = Organization.objects.filter(pk=organization.pk).select_for_update(no_key=True).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def _email_owners(organization: Organization, email: Email) -> None:
    owners = Membership.objects.active().filter(organization=organization, role=Role.OWNER)
    outbox.enqueue(email, *owners.values_list("user__email", flat=True))


def _record(action: str, organization: Organization, actor: Actor) -> None:
    log.record(
        organization_id=organization.pk,
        action=action,
        actor=actor,
        target=Target("organization", organization.public_id, organization.name),
    )
