"""First steps: a person with a verified address, an organization, and a place in it. All repeatable."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.text import slugify

from accounts.models import Membership, Organization, User
from accounts.roles import Role
from ratelimit.models import Plan


@transaction.atomic
def person(*, email: str, password: str | None, name: str = "", superuser: bool = False) -> User:
    """The account of the address, made if need be; a given name, password or staff right is set."""
    email = email.strip().lower()
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, password)
    user.name = name or user.name
    if password and not user.check_password(password):
        user.set_password(password)
    if superuser:
        user.is_staff = user.is_superuser = True
    user.save()
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"verified": True, "primary": True}
    )
    return user


@transaction.atomic
def organization(*, name: str, plan: str | None = None) -> Organization:
    """The organization of the name's slug, made on the free plan if need be; raises Plan.DoesNotExist."""
    found = Organization.objects.filter(slug=slug_of(name)).first()
    if found is None:
        wanted = Plan.objects.get(slug=plan or "free")
        return Organization.objects.create(name=name.strip(), slug=slug_of(name), plan=wanted)
    if plan and found.plan.slug != plan:
        found = Organization.objects.locked(found.pk)
        found.plan = Plan.objects.get(slug=plan)
        found.save(update_fields=["plan"])
    return found


@transaction.atomic
def membership(*, user: User, organization: Organization, role: Role) -> Membership:
    """The person's place in the organization; an existing one keeps its role."""
    Organization.objects.locked(organization.pk)
    found, _ = Membership.objects.get_or_create(user=user, organization=organization, defaults={"role": role})
    return found


def slug_of(name: str) -> str:
    return slugify(name)[:60] or "organization"
