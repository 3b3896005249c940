"""Forgotten passwords: a mailed link, a new password, and the end of every session."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts import errors
from accounts.audit import log, request_context
from accounts.authentication import (
    emails,
    known_devices,
    mailed_links,
    request_limits,
    second_factor,
    throttling,
    user_events,
)
from accounts.authentication.mailed_links import Claim
from accounts.authorization.acts import authorize_staff
from accounts.errors import APIError
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.registration import onboarding, verification


def request(email: str) -> None:
    """Mail a link, or a notice that no account exists, with the same response and work."""
    admitted = request_limits.may_mail(LinkKind.RESET, email)
    user, known = mailed_links.receiver_of(email)
    compose = emails.reset if known else emails.no_account
    mailed_links.mail(Claim(LinkKind.RESET, email, user), compose, admitted=admitted)


def find(secret: str) -> MailedClaim:
    """The claim; its ``user`` is null where the address has no account yet. Raises InvalidLink."""
    return mailed_links.find(secret, LinkKind.RESET)


@transaction.atomic
@log.batched()
def send_by_staff(user: User, *, by: Actor) -> None:
    """Mail the same link on behalf of staff, who never see a password.

    Raises APIError: forbidden; invalid_request for a deactivated person; rate_limited.
    """
    onboarding.lock_organizations(user)
    authorize_staff(by, [user])
    if not user.is_active:
        raise APIError(errors.INVALID_REQUEST, detail=f"{user} is deactivated.")
    # A window of its own: mails that strangers ask for must not use it up.
    if not request_limits.may_mail("staff-reset", user.email):
        raise APIError(errors.RATE_LIMITED, retry_after=request_limits.HOUR)
    mailed_links.mail(Claim(LinkKind.RESET, user.email, user), emails.reset, admitted=True)
    user_events.record("user.reset_mailed", user, by)


def confirm(secret: str, password: str) -> User:
    """Set the password, which ends all sessions and grants, and mail the owner.

    An address that was only signed up gets its account by it, with this password.
    Raises InvalidLink; ValidationError for the password, after which the link still works.
    """
    link = find(secret)
    validate_password(password, link.user or User(email=link.email))
    if link.user is None:
        return verification.open_claimed(link, password)
    with transaction.atomic(), log.batched():
        onboarding.lock_organizations(link.user)
        mailed_links.use(link)
        set_password(link.user, password, action="user.password_reset")
        if not second_factor.is_on(link.user):
            # The mail alone does not make it a network that may try codes beyond the limit of a day.
            known_devices.remember_network(link.user, request_context.current().address)
        # Who has read the mail owns the address, as well as a confirmed link would say.
        verification.prove(link.user)
    return link.user


@transaction.atomic
@log.batched()
def set_password(
    user: User, password: str | None, *, action: str = "user.password_changed", by: Actor | None = None
) -> None:
    """Set the password, also for a user who is signed in, and revoke all links mailed to the user before.

    ``by`` is the actor if it is not the user. None as a password leaves the user the other login methods.
    """
    user.set_password(password)
    user.save(update_fields=["password", "password_version"], actor=by or Actor.of_user(user))
    mailed_links.end_all(user)
    throttling.clear(user.email)
    known_devices.forget_networks(user)
    outbox.enqueue(emails.password_set_by_staff() if by else emails.password_changed(), user.email)
    user_events.record(action, user, by)
