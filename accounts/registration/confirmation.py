"""Confirmation of an address: of a sign-up, which creates the account, or of an existing account."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts.audit import log
from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import InvalidLink
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.registration import onboarding, password_reset, verification


def confirm(link: MailedClaim, *, password: str | None = None) -> User:
    """Use a link of a sign-up or of an unverified account, with a new password if given.

    Leave ``password`` out only in the browser that chose the claim's own: the mailbox says whose the
    address is, and not whose the password was. Raises InvalidLink; ValidationError for the password.
    """
    if link.kind not in (LinkKind.SIGN_UP, LinkKind.VERIFY):
        raise InvalidLink
    if password is not None:
        validate_password(password, link.user or User(email=link.email, name=link.name))
    return (
        _confirm_account(link.user, link, password)
        if link.user
        else verification.open_claimed(link, password)
    )


@transaction.atomic
@log.batched()
def _confirm_account(user: User, link: MailedClaim, password: str | None) -> User:
    onboarding.lock_organizations(user)
    mailed_links.use(link)
    if password is not None:
        password_reset.set_password(user, password)
    verification.prove(user)
    return user
