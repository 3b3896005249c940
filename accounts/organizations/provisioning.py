"""Get-or-create functions for bootstrap: a verified user, an organization, a membership."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.text import slugify

from accounts.authentication import user_events
from accounts.members import removal
from accounts.models import Membership, Organization, User
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.roles import Role
from ratelimit.models import Plan


@transaction.atomic
def person(*, email: str, password: str | None, name: str = "", superuser: bool = False) -> User:
    """Get or create the account of the address, and set the given name, password or staff status."""
    email = User.objects.spelling_of(email)
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, password)
    user.name = name or user.name
    changed = bool(password) and not user.check_password(password or "")
    if changed:
        user.set_password(password)
    if superuser:
        user.is_staff = user.is_superuser = True
    user.save()
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"verified": True, "primary": True}
    )
    if changed:
        user_events.record("user.password_changed", user, SYSTEM)
    return user


@transaction.atomic
def organization(*, name: str, plan: str | None = None) -> Organization:
    """Get or create the organization of the name's slug, on the free plan.

    Raises Plan.DoesNotExist, and ValueError if it was deleted and is not purged yet.
    """
    found = Organization.objects.filter(slug=slug_of(name)).first()
    if found is not None and found.deleted_at is not None:
        raise ValueError(f"{found.name} was deleted: staff can restore it, or choose another name.")
    if found is None:
        wanted = Plan.objects.get(slug=plan or "free")
        found = Organization.objects.create(name=name.strip(), slug=slug_of(name), plan=wanted)
        update.record_creation(found, SYSTEM)
    elif plan and found.plan.slug != plan:
        found.plan = Plan.objects.get(slug=plan)
        update.set_terms(organization=found, actor=SYSTEM, fields=["plan"])
    return found


@transaction.atomic
def membership(*, user: User, organization: Organization, role: Role, actor: Actor = SYSTEM) -> Membership:
    """Get or create the user's membership; an existing one keeps its role."""
    Organization.objects.locked(organization.pk)
    found, joined = Membership.objects.get_or_create(
        user=user, organization=organization, defaults={"role": role}
    )
    if joined:
        removal.record("member.joined", found, actor, role=[None, found.role])
    return found


def slug_of(name: str) -> str:
    return slugify(name)[:60] or "organization"
