"""Creation of an account, only for an address that is verified in the same step."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.audit import log
from accounts.authentication import mailed_links
from accounts.authentication.unverified import delete_unverified
from accounts.models import User
from accounts.registration import onboarding


class AddressTaken(Exception):
    """The address has an account."""


@transaction.atomic
@log.batched()
def open_account(
    *, email: str, password: str = "", name: str = "", organization_name: str = "", invitation_token: str = ""
) -> User:
    """Create the account of a just verified address, and join or create an organization.

    ``password`` is a hash; without one the person signs in by other means. Every other sign-up of the
    address ends. Raises AddressTaken, and Refused as joining.open_invitation does.
    """
    onboarding.lock_organizations(None, invitation_token=invitation_token)
    mailed_links.lock_sign_ups(email)
    delete_unverified(email)
    user = User(email=email, name=name, password=password or make_password(None))
    user.end_sessions()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise AddressTaken from None
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    mailed_links.end_sign_ups(email)
    onboarding.join_or_found(
        user=user, organization_name=organization_name, invitation_token=invitation_token
    )
    return user
