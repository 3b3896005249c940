"""Address verification, of an existing account or of a sign-up."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.audit import log
from accounts.authentication import emails, mailed_links, request_limits
from accounts.authentication.mailed_links import Claim, InvalidLink
from accounts.crypto.password_text import hashed
from accounts.models import User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.registration import account_opening, onboarding


def request(user: User) -> None:
    """Mail a link that confirms the account's own address, with a new password."""
    admitted = request_limits.may_mail(LinkKind.VERIFY, user.email)
    mailed_links.mail(Claim(LinkKind.VERIFY, user.email, user), emails.verify, admitted=admitted)


@transaction.atomic
@log.batched()
def prove(user: User) -> None:
    """Mark the user's address as verified, and create the organization of the sign-up."""
    onboarding.lock_organizations(user)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    if user.wanted_organization:
        onboarding.join_or_found(user=user, organization_name=user.wanted_organization)
        user.wanted_organization = ""
        user.save(update_fields=["wanted_organization"])


def is_proven(user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


@transaction.atomic
@log.batched()
def open_claimed(link: MailedClaim, password: str | None) -> User:
    """Use a link whose address has no account, and create one from its claim; raises InvalidLink."""
    mailed_links.use(link)
    try:
        return account_opening.open_account(
            email=link.email,
            password=link.password if password is None else hashed(password),
            name=link.name,
            organization_name=link.organization_name,
        )
    except account_opening.AddressTaken:
        raise InvalidLink from None
