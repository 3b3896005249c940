"""Moving an account to another address: the mail proves the address, and the session whose account moves."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, flow_limits, joining, letters, mailed_links, outbox, people_trail
from accounts.link_models import LinkKind, MailedClaim
from accounts.mailed_links import Claim, InvalidLink
from accounts.models import User
from accounts.unproven import is_taken, make_room


def request(user: User, email: str) -> None:
    """Mail a link that moves the account, which it does only in a session of this person.

    The owner of another account with that address is mailed instead; the person who asked sees no
    difference.
    """
    admitted = flow_limits.may_mail(LinkKind.MOVE, email)
    letter = letters.already_here if is_taken(email) else letters.move
    mailed_links.mail(Claim(LinkKind.MOVE, email, user), letter, admitted=admitted)


def pending(user: User) -> MailedClaim | None:
    """The change that waits to be confirmed."""
    unused = MailedClaim.objects.filter(user=user, kind=LinkKind.MOVE, used_at=None)
    return unused.filter(expires_at__gt=timezone.now()).first()


@transaction.atomic
@audit.gathered()
def confirm(link: MailedClaim, user: User) -> User:
    """End all that the person is signed in by, and move; raises InvalidLink, also where the address is taken.

    ``user`` is who is signed in: the owner of the mailbox alone moves nobody else's account onto it.
    """
    if link.kind != LinkKind.MOVE or link.user is None or link.user != user:
        raise InvalidLink
    moving, before = link.user, link.user.email
    joining.lock_organizations(moving)
    mailed_links.use(link)
    make_room(link.email, moving)
    EmailAddress.objects.filter(user=moving).delete()
    moving.email = link.email
    moving.ended_by = people_trail.themselves(moving)
    moving.end_sessions()
    try:
        with transaction.atomic():
            moving.save(update_fields=["email", "password_version"])
            EmailAddress.objects.create(user=moving, email=link.email, verified=True, primary=True)
    except IntegrityError:
        raise InvalidLink from None
    mailed_links.end_all(moving)
    mailed_links.end_sign_ups(link.email)
    outbox.enqueue(letters.email_changed(link.email), before)
    people_trail.record("user.email_changed", moving, email=[before, link.email])
    return moving
