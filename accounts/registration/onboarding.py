"""A new user's first membership: of the inviting organization, or of a new one."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Membership, Organization, User
from accounts.organizations import provisioning, update
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.validation import addresses
from ratelimit.models import Plan

FIRST_PLAN = "free"
LONGEST_SLUG = 60
TRIES = 5
# Where the page of an invitation keeps its secret for the sign-up page to find.
SESSION_KEY = "invitation"


def open_invitation(secret: str, *, email: str | None = None) -> Invitation:
    """The invitation of the secret, and of this very address where one is given.

    Raises APIError: not_found, invitation_gone, forbidden for another address.
    """
    invitation = invitations.find(secret)
    if invitation is None:
        raise APIError(errors.NOT_FOUND)
    if not invitations.is_good(invitation, timezone.now()):
        raise APIError(errors.INVITATION_GONE)
    if email is not None and addresses.normalized(invitation.email) != addresses.normalized(email):
        raise APIError(errors.FORBIDDEN, detail="The invitation is for another e-mail address.")
    return invitation


def lock_organizations(user: User | None, *, invitation_token: str = "") -> None:
    """Lock the user's organizations and the inviting one, which come before the user's row.

    Call it first in a transaction that changes the person, to avoid deadlocks.
    """
    organizations = set(Membership.objects.filter(user=user).values_list("organization_id", flat=True))
    invitation = invitations.find(invitation_token) if invitation_token else None
    Organization.objects.lock_all(organizations | ({invitation.organization_id} if invitation else set()))


@transaction.atomic
@log.batched()
def join_or_found(*, user: User, organization_name: str = "", invitation_token: str = "") -> Membership:
    """Join by the invitation, if there is one, else create an organization and own it.

    Call it for a person whose address is proven; raises APIError as open_invitation does.
    """
    if invitation_token:
        return invitations.accept(secret=invitation_token, user=user)
    name = organization_name or default_name(user)
    organization = create_organization(name, Plan.objects.get(slug=FIRST_PLAN))
    founder = Actor.of_user(user)
    update.record_creation(organization, founder)
    return provisioning.membership(user=user, organization=organization, role=Role.OWNER, actor=founder)


def default_name(user: User) -> str:
    return f"{user.display_name}'s organization"[:100]


def create_organization(name: str, plan: Plan) -> Organization:
    """Create an organization; if the slug of its name is taken, add a suffix."""
    slug = provisioning.slug_of(name)
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name, slug=slug, plan=plan)
        except IntegrityError:
            ending = secrets.token_hex(4)
            slug = f"{provisioning.slug_of(name)[: LONGEST_SLUG - 1 - len(ending)]}-{ending}"
    raise RuntimeError("No slug was free.")
