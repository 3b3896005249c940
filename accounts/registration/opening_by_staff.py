"""Creation of an organization by staff, with its owner."""

from __future__ import annotations

from functools import partial

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import errors
from accounts.audit import log
from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import Claim
from accounts.errors import APIError
from accounts.members import emails
from accounts.models import Organization, User
from accounts.models.mailed_claim import LinkKind
from accounts.notifications import outbox
from accounts.organizations import provisioning, update
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.registration import verification
from accounts.registration.onboarding import create_organization
from ratelimit.models import Plan


@transaction.atomic
@log.batched()
def open_organization(*, actor: Actor, name: str, plan: Plan, email: str, owner_name: str) -> Organization:
    """Create an organization for the person of the address, who becomes its owner and gets a mail.

    An address without an account gets one without a password. Until its mailed link is used, which asks for
    a password, nobody can sign in to it. ``owner_name`` names new accounts only. Raises
    APIError(invalid_request) for the address of a deactivated person.
    """
    owner = _person(email, owner_name)
    organization = create_organization(name, plan)
    update.record_creation(organization, actor)
    member = provisioning.membership(user=owner, organization=organization, role=Role.OWNER, actor=actor)
    if verification.is_proven(owner):
        outbox.enqueue(emails.new_owner(member, "Tessera's staff"), owner.email)
    else:
        claim = Claim(LinkKind.VERIFY, owner.email, owner)
        mailed_links.mail(claim, partial(emails.first_owner, organization), admitted=True)
    return organization


def _person(email: str, name: str) -> User:
    """Get or create the account of the address; a new one has no password and no confirmed address."""
    given = {"name": name, "password": make_password(None)}
    user, created = User.objects.get_or_create(email=User.objects.spelling_of(email), defaults=given)
    if not user.is_active:
        raise APIError(errors.INVALID_REQUEST, fields={"email": [f"{user} is deactivated."]})
    if created:
        EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
        mailed_links.end_sign_ups(user.email)
    return user
