"""Proving an address, at sign-up and when a person moves to another one."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts import audit, flow_limits, invitations, joining, letters, mailed_links, mails, people_trail
from accounts.link_models import LinkKind
from accounts.mailed_links import InvalidLink
from accounts.models import Membership, Organization, User
from accounts.unproven import make_room


def send_link(user: User, email: str) -> None:
    """Mail a link that proves the address to be the person's, unless enough were mailed in this hour.

    The owner of another account with that address is told instead; the person who asked sees no difference.
    """
    admitted = flow_limits.may_mail(LinkKind.VERIFY, email)
    free = user.email == email or not EmailAddress.objects.filter(email=email, verified=True).exists()
    letter = letters.verify if free else letters.already_here
    mailed_links.mail(LinkKind.VERIFY, email, user if free else None, letter, admitted=admitted)


def lock_organizations(user: User | None, *, invitation_token: str = "") -> None:
    """Take the locks of the person's organizations and of the one that invites, which precede the person's.

    Call it first in a transaction that changes the person, so that nobody waits in a circle.
    """
    organizations = set(Membership.objects.filter(user=user).values_list("organization_id", flat=True))
    invitation = invitations.find(invitation_token) if invitation_token else None
    Organization.objects.lock_all(organizations | ({invitation.organization_id} if invitation else set()))


@transaction.atomic
@audit.gathered()
def prove(user: User, *, invitation_token: str = "") -> None:
    """The person has read a mail to their address: it is theirs, and what they signed up for is founded."""
    lock_organizations(user, invitation_token=invitation_token)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    if user.wanted_organization or invitation_token:
        joining.join_or_found(
            user=user, organization_name=user.wanted_organization, invitation_token=invitation_token
        )
        user.wanted_organization = ""
        user.save(update_fields=["wanted_organization"])


@transaction.atomic
@audit.gathered()
def confirm(secret: str) -> tuple[User, bool]:
    """Use a link up: the person, and whether they have moved to another address. Raises InvalidLink."""
    link, user = mailed_links.find(LinkKind.VERIFY, secret)
    lock_organizations(user)
    mailed_links.use(link)
    if link.email == user.email:
        prove(user)
        return user, False
    _move(user, link.email)
    return user, True


def _move(user: User, email: str) -> None:
    """End all that the person is signed in by; raises InvalidLink where the address is taken meanwhile."""
    before = user.email
    make_room(email, user)
    EmailAddress.objects.filter(user=user).delete()
    user.email = email
    user.ended_by = people_trail.themselves(user)
    user.end_sessions()
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "password_version"])
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    except IntegrityError:
        raise InvalidLink from None
    mailed_links.end_all(user)
    mails.send(letters.email_changed(email), before)
    people_trail.record("user.email_changed", user, email=[before, email])
