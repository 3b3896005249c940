"""Social accounts, without HTTP: an identity signs in its user, or creates one.

An identity is (issuer, subject) and never an address. It reaches an existing account only by what that
account's owner did while signed in to it.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import Membership, User
from accounts.oidc.id_tokens import Identity
from accounts.oidc.providers import MICROSOFT, find
from accounts.permissions.actor import Actor
from accounts.registration import account_opening, onboarding


class CannotSignIn(Exception):
    """The ID token is valid, but its identity cannot sign in; ``why`` selects the page's explanation.

    ``user`` is the identity's user, if known.
    """

    def __init__(self, why: str, user: User | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.user = user


UNPROVEN_ADDRESS = "unproven_address"
ADDRESS_TAKEN = "address_taken"
INACTIVE = "inactive"
TAKEN = "taken"
HAS_ONE = "has_one"
LAST_WAY_IN = "last_way_in"


def person_of(identity: Identity) -> User | None:
    """Return the identity's user; raises CannotSignIn if staff have deactivated the account."""
    found = _accounts(identity).select_related("user").first()
    if found is None:
        return None
    user: User = found.user
    if not user.is_active:
        raise CannotSignIn(INACTIVE, user)
    return user


def sign_up(identity: Identity, *, invitation_token: str = "") -> User:
    """Create a user with the address that the provider verified, in a new or the inviting organization.

    An unverified account of the address is deleted, with its password. A verified one stays as it is.
    Raises CannotSignIn, and APIError as onboarding.open_invitation does.
    """
    if not identity.email:
        raise CannotSignIn(UNPROVEN_ADDRESS)
    if invitation_token:
        onboarding.open_invitation(invitation_token, email=identity.email)
    try:
        return _sign_up(identity, invitation_token)
    except (IntegrityError, account_opening.AddressTaken):
        # Another request was first, by this identity or with this address.
        user = person_of(identity)
        if user is None:
            raise CannotSignIn(ADDRESS_TAKEN) from None
        return user


@transaction.atomic
def _sign_up(identity: Identity, invitation_token: str) -> User:
    # Create, never look up: an account that another user has created meanwhile must not be taken over.
    user = account_opening.open_account(
        email=identity.email, name=identity.name, invitation_token=invitation_token
    )
    _keep(identity, user)
    return user


@transaction.atomic
@log.batched()
def connect(identity: Identity, user: User) -> None:
    """Connect the identity to the signed-in user, who has just signed in with it at the provider.

    Raises CannotSignIn if it is another user's, or the user has another identity of the same provider.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    owner = _accounts(identity).first()
    if owner is not None and owner.user_id != user.pk:
        raise CannotSignIn(TAKEN)
    if owner is not None:
        return
    if SocialAccount.objects.filter(user=user, provider=identity.provider).exists():
        raise CannotSignIn(HAS_ONE)
    try:
        with transaction.atomic():
            _keep(identity, user)
    except IntegrityError:
        raise CannotSignIn(TAKEN) from None
    _record("sso.linked", user, identity.provider)


@transaction.atomic
@log.batched()
def disconnect(user: User, provider: str) -> bool:
    """Disconnect the provider's identity; return whether there was one.

    Raises CannotSignIn for the last way to sign in.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    mine = SocialAccount.objects.filter(user=user)
    others = mine.exclude(provider=provider).exists()
    if not others and not user.has_usable_password():
        raise CannotSignIn(LAST_WAY_IN)
    deleted, _ = mine.filter(provider=provider).delete()
    if deleted:
        _record("sso.unlinked", user, provider)
    return bool(deleted)


def of_user(user: User) -> set[str]:
    """Return the providers that are connected to the user."""
    return set(SocialAccount.objects.filter(user=user).values_list("provider", flat=True))


def _accounts(identity: Identity) -> Any:
    return SocialAccount.objects.filter(provider=identity.provider, uid=identity.key)


def _keep(identity: Identity, user: User) -> None:
    """Store issuer and subject only, never the provider's tokens."""
    known = {"iss": identity.issuer, "sub": identity.subject}
    if identity.provider == MICROSOFT:
        known |= {"tid": identity.tenant, "oid": identity.object_id}
    SocialAccount.objects.create(user=user, provider=identity.provider, uid=identity.key, extra_data=known)


def _record(action: str, user: User, slug: str) -> None:
    provider = find(slug)
    actor = Actor(type="user", id=user.pk, name=user.display_name, user_id=user.pk)
    for organization_id in Membership.objects.filter(user=user).values_list("organization_id", flat=True):
        log.record(
            organization_id=organization_id,
            action=action,
            actor=actor,
            target=Target("user", user.public_id, user.display_name),
            changes={"provider": provider.name if provider else slug},
        )
