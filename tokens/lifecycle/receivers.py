"""Signal receivers that revoke tokens and grants when their membership, user or browser session ends."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Count, Model, QuerySet
from django.db.models.signals import pre_delete
from django.utils import timezone

from accounts.audit import log
from accounts.authentication import browser_sessions, mailed_links
from accounts.members import invitations
from accounts.models import Invitation, Membership, Organization, User
from accounts.models.signals import membership_deleting, user_saving
from accounts.permissions.actor import SYSTEM, Actor
from tokens.audit import session_events
from tokens.grants import revocation
from tokens.lifecycle import former_members
from tokens.models import Grant, ServiceAccountToken
from tokens.models.service_account import DEACTIVATED, REMOVED
from tokens.service_accounts.revoke import stop
from tokens.sessions import sessions

PASSWORD_CHANGED = "The password was changed"
EMAIL_CHANGED = "The e-mail address was changed"
BROWSER_ENDED = "The session of the browser ended"
SIGNED_OUT = "All sessions of the person were ended"

Origin = Model | QuerySet[Any] | None


def connect() -> None:
    membership_deleting.connect(membership_deleted, dispatch_uid="tokens.membership_deleting")
    # Finds nothing left to revoke after the one above; a query set or a cascade deletes without it.
    pre_delete.connect(membership_deleted, sender=Membership, dispatch_uid="tokens.membership_deleted")
    pre_delete.connect(organization_deleted, sender=Organization, dispatch_uid="tokens.organization_deleted")
    pre_delete.connect(browser_deleted, sender=UserSession, dispatch_uid="tokens.browser_deleted")
    user_saving.connect(user_saved, dispatch_uid="tokens.user_saved")


@transaction.atomic
@log.batched()
def membership_deleted(instance: Membership, actor: Actor = SYSTEM, origin: Origin = None, **_: Any) -> None:
    """Revoke the member's tokens and grants."""
    Organization.objects.lock_all({instance.organization_id, *organizations_of(origin)})
    _record_ended_sessions(instance.user, [instance.organization_id], actor, REMOVED)
    former_members.mark_shown(instance.user, [instance.organization_id], actor)
    stop(
        ServiceAccountToken.objects.filter(responsible_id=instance.pk),
        actor=actor,
        reason=REMOVED,
    )
    revocation.revoke(Grant.objects.filter(membership_id=instance.pk), reason=REMOVED)
    Organization.objects.advance([instance.organization_id])


@transaction.atomic
def organization_deleted(instance: Organization, **_: Any) -> None:
    """Invalidate cached credentials, also those of clients in an organization without members."""
    Organization.objects.lock_all([instance.pk])
    Organization.objects.advance([instance.pk])


@transaction.atomic
@log.batched()
def browser_deleted(instance: UserSession, origin: Origin, **_: Any) -> None:
    """Revoke the unexpired grants that the browser session was exchanged for."""
    exchanged = Grant.objects.filter(browser_id=instance.pk, revoked_at=None, expires_at__gt=timezone.now())
    organizations = set(exchanged.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations | organizations_of(origin))
    for grant in exchanged.select_related("user").order_by("organization_id", "pk"):
        revocation.revoke(Grant.objects.filter(pk=grant.pk), reason=BROWSER_ENDED)
        if grant.user is not None:
            session_events.ended(grant, Actor.of_user(grant.user), BROWSER_ENDED)


@transaction.atomic
@log.batched()
def user_saved(instance: User, actor: Actor, update_fields: Collection[str] | None, **_: Any) -> None:
    """Revoke the credentials of a deactivated person.

    Reactivation revokes what a deactivation in SQL left active.
    """
    watched = ("is_active", "password_version", "name", "email")
    if instance._state.adding or (update_fields is not None and not set(watched).intersection(update_fields)):
        return
    before = User.objects.filter(pk=instance.pk).values_list(*watched).first()
    if instance.is_active and before == tuple(getattr(instance, name) for name in watched):
        return
    memberships = Membership.objects.filter(user=instance)
    organizations = set(memberships.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations)
    if instance.is_active and before and before[0]:
        if instance.password_version != before[1]:
            _record_ended_sessions(instance, organizations, actor, _reason(instance, before[3]))
        # password_version has ended their grants. Cached credentials have the old name and must be read
        # again.
        Organization.objects.advance(organizations)
        return
    _record_ended_sessions(instance, organizations, actor, DEACTIVATED)
    if not instance.is_active:
        former_members.mark_shown(instance, organizations, actor)
    stop(
        ServiceAccountToken.objects.filter(responsible__in=memberships),
        actor=actor,
        reason=DEACTIVATED,
    )
    revocation.revoke(Grant.objects.filter(user=instance), reason=DEACTIVATED)
    _end_sign_ins(instance)
    pending = Invitation.objects.filter(inviter__in=memberships)
    invitations.withdraw(invitations=pending, actor=actor)
    Organization.objects.advance(organizations)


def _end_sign_ins(user: User) -> None:
    """End browser sessions and mailed links, which only ``is_active`` would stop."""
    user.end_sessions()
    # Stored here, because the caller may save only ``is_active``.
    User.objects.filter(pk=user.pk).update(password_version=user.password_version)
    browser_sessions.end_all(user)
    mailed_links.end_all(user)


def _record_ended_sessions(user: User, organizations: Collection[UUID], actor: Actor, reason: str) -> None:
    """Record the number of API sessions that are about to end: one event for each organization."""
    active = sessions.active(user.pk).filter(organization__in=organizations).order_by()
    counts = dict(active.values_list("organization_id").annotate(Count("pk")))
    for organization_id, number in sorted(counts.items()):
        session_events.all_ended(organization_id, user, number, reason, actor)


def _reason(user: User, email_before: str) -> str:
    if user.email != email_before:
        return EMAIL_CHANGED
    unchanged = User.objects.filter(pk=user.pk, password=user.password).exists()
    return SIGNED_OUT if unchanged else PASSWORD_CHANGED


def organizations_of(origin: Origin) -> set[UUID]:
    """Return every organization that a deletion affects, from the object or query set that was deleted.

    All of them are locked at once, in the order of their ids: rows are deleted in the order of their own ids,
    and locking the organizations one by one could deadlock.
    """
    if origin is None:
        return set()
    chosen = origin if isinstance(origin, QuerySet) else type(origin)._default_manager.filter(pk=origin.pk)
    pks = list(chosen.values_list("pk", flat=True))
    if chosen.model is Organization:
        return set(pks)
    column = {Membership: "pk__in", User: "user__in"}.get(chosen.model)
    if column is None:
        return set()
    return set(Membership.objects.filter(**{column: pks}).values_list("organization_id", flat=True))
