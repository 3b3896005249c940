"""How a membership ends by somebody's will. An organization keeps an owner through all of it."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refused


@transaction.atomic
def remove(*, memberships: QuerySet[Membership], actor: Actor) -> int:
    """Remove members of any organizations, all or none; raises Refused(last_owner). Returns how many."""
    ending = _locked(memberships)
    _check_owners(ending)
    for membership in ending:
        membership.ended_by = actor.user_id
        membership.delete()
    return len(ending)


@transaction.atomic
def deactivate(*, users: QuerySet[User], actor: Actor) -> list[User]:
    """Lock people out, all or none; raises Refused(last_owner). Returns those who were active."""
    active = list(users.filter(is_active=True))
    _check_owners(_locked(Membership.objects.filter(user__in=active)))
    for user in active:
        user.is_active = False
        user.ended_by = actor.user_id
        user.save(update_fields=["is_active"])
    return active


@transaction.atomic
def delete_people(*, users: QuerySet[User], actor: Actor) -> None:
    """Delete people with their memberships, all or none; raises Refused(last_owner)."""
    pks = list(users.values_list("pk", flat=True))
    remove(memberships=Membership.objects.filter(user__in=pks), actor=actor)
    User.objects.filter(pk__in=pks).delete()


def _locked(memberships: QuerySet[Membership]) -> list[Membership]:
    """These memberships as they are under their organizations' locks."""
    chosen = dict(memberships.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    return list(Membership.objects.filter(pk__in=chosen).select_related("user").order_by("pk"))


def _check_owners(ending: Collection[Membership]) -> None:
    """Refuse where the last active owner of an organization is among those who go."""
    losing = {m.organization_id for m in ending if m.role == Role.OWNER and m.user.is_active}
    owners = Membership.objects.active().filter(organization__in=losing, role=Role.OWNER)
    kept = owners.exclude(pk__in=[membership.pk for membership in ending])
    bare = losing.difference(kept.values_list("organization_id", flat=True))
    if bare:
        names = Organization.objects.filter(pk__in=bare).values_list("name", flat=True)
        raise Refused(refusals.LAST_OWNER, detail=f"No owner would be left in {', '.join(names)}.")
