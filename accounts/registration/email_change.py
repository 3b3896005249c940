"""Change of an account's address: the mail proves the address, and the session proves the account."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import log
from accounts.authentication import emails, mailed_links, request_limits, user_events
from accounts.authentication.mailed_links import Claim, InvalidLink
from accounts.authentication.unverified import delete_unverified, is_taken
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.registration import onboarding


def request(user: User, email: str) -> None:
    """Mail a link that changes the address, which works only in a session of this user.

    The owner of another account with that address is mailed instead; the person who asked sees no
    difference.
    """
    admitted = request_limits.may_mail(LinkKind.MOVE, email)
    compose = emails.already_registered if is_taken(email) else emails.move
    mailed_links.mail(Claim(LinkKind.MOVE, email, user), compose, admitted=admitted)


def pending(user: User) -> MailedClaim | None:
    """Return the change that is to be confirmed."""
    unused = MailedClaim.objects.filter(user=user, kind=LinkKind.MOVE, used_at=None)
    return unused.filter(expires_at__gt=timezone.now()).first()


@transaction.atomic
@log.batched()
def confirm(link: MailedClaim, user: User) -> User:
    """End all that the person is signed in by, and move; raises InvalidLink, also where the address is taken.

    ``user`` is signed in: without that, the owner of the mailbox could move another user's account to it.
    """
    if link.kind != LinkKind.MOVE or link.user is None or link.user != user:
        raise InvalidLink
    moving, before = link.user, link.user.email
    # The name before the change, which an address without a name gives.
    actor = Actor.of_user(moving)
    onboarding.lock_organizations(moving)
    mailed_links.use(link)
    delete_unverified(link.email, moving)
    EmailAddress.objects.filter(user=moving).delete()
    moving.email = link.email
    moving.end_sessions()
    try:
        with transaction.atomic():
            moving.save(update_fields=["email", "password_version"], actor=actor)
            EmailAddress.objects.create(user=moving, email=link.email, verified=True, primary=True)
    except IntegrityError:
        raise InvalidLink from None
    mailed_links.end_all(moving)
    mailed_links.end_sign_ups(link.email)
    outbox.enqueue(emails.email_changed(link.email), before)
    user_events.record("user.email_changed", moving, email=[before, link.email])
    return moving
