"""Signing up. The same statements, one hash and one mail, whether the address has an account or not."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts import flow_limits, joining, letters, mailed_links, verification
from accounts.link_models import LinkKind
from accounts.models import User
from accounts.unproven import unproven


def sign_up(
    *, email: str, password: str, name: str, organization_name: str = "", invitation_token: str = ""
) -> User:
    """Make an account of an address that has none, and mail a link that confirms it.

    The owner of an existing account is told by mail and nothing is changed; the answer must not tell
    the two apart. With the invitation's token the address counts as proven, and the person joins.

    An account whose address nobody has proven belongs to whoever signed up last.
    Raises ValidationError for the password, Refused as joining.open_invitation does.
    """
    user = User(email=email, name=name)
    user.wanted_organization = organization_name or joining.default_name(user)
    validate_password(password, user)
    if invitation_token:
        joining.open_invitation(invitation_token, email=email)
    admitted = flow_limits.may_mail(LinkKind.VERIFY, email)
    user.password = make_password(password)
    user.end_sessions()
    with transaction.atomic():
        verification.lock_organizations(None, invitation_token=invitation_token)
        claimed = _claim(user)
        if claimed and invitation_token:
            verification.prove(claimed, invitation_token=invitation_token)
        else:
            letter = letters.verify if claimed else letters.already_here
            mailed_links.mail(LinkKind.VERIFY, email, claimed, letter, admitted=admitted)
    return user


def _claim(wanted: User) -> User | None:
    """The account of the address if it is new or was never proven, as wanted now; else None."""
    User.objects.bulk_create([wanted], ignore_conflicts=True)
    claimed = (
        unproven()
        .filter(email=wanted.email)
        .update(
            name=wanted.name,
            password=wanted.password,
            password_version=wanted.password_version,
            wanted_organization=wanted.wanted_organization,
        )
    )
    user = User.objects.get(email=wanted.email)
    address = EmailAddress(user=user, email=user.email, primary=True, verified=False)
    EmailAddress.objects.bulk_create([address], ignore_conflicts=True)
    return user if claimed else None
