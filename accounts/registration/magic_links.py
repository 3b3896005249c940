"""Sign-in by a mailed link, which only a POST uses."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts.audit import log
from accounts.authentication import emails, mailed_links, request_limits
from accounts.authentication.mailed_links import Claim
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.registration import onboarding, password_reset, verification


def request(email: str) -> None:
    """Mail a link, or a notice that no account exists, with the same response and work."""
    admitted = request_limits.may_mail(LinkKind.SIGN_IN, email)
    user, known = mailed_links.receiver_of(email)
    compose = emails.sign_in if known else emails.no_account
    mailed_links.mail(Claim(LinkKind.SIGN_IN, email, user), compose, admitted=admitted)


def find(secret: str) -> MailedClaim:
    """The claim; its ``user`` is null where the address has no account yet. Raises InvalidLink."""
    return mailed_links.find(secret, LinkKind.SIGN_IN)


def use(link: MailedClaim, *, password: str | None = None) -> User:
    """Use it up, once, and return whom it signs in; raises InvalidLink, ValidationError for the password.

    An account that it opens has this password or none. One whose address it is the first to prove
    loses its password, which a stranger may have chosen.
    """
    if link.user is not None:
        return _use(link.user, link)
    if password is not None:
        validate_password(password, User(email=link.email))
    return verification.open_claimed(link, password)


@transaction.atomic
@log.batched()
def _use(user: User, link: MailedClaim) -> User:
    onboarding.lock_organizations(user)
    mailed_links.use(link)
    if not verification.is_proven(user):
        password_reset.set_password(user, None)
        verification.prove(user)
        user.refresh_from_db()
    return user
