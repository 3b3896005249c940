"""Sign-up: the same queries, one hash and one mail, whether the address has an account or not."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password

from accounts.authentication import emails, mailed_links, request_limits
from accounts.authentication.mailed_links import Claim
from accounts.authentication.unverified import is_taken
from accounts.crypto.password_text import hashed
from accounts.models import User
from accounts.models.mailed_claim import LinkKind
from accounts.registration import account_opening, onboarding


def sign_up(
    *, email: str, password: str, name: str, organization_name: str = "", invitation_token: str = ""
) -> str:
    """Mail a link that opens an account as this request asks for; returns the key of its claim.

    No row of the account exists before the link is used, so two sign-ups of one address do not affect
    each other. The owner of an existing account gets another mail; the response is the same in both
    cases. With the invitation's secret the address counts as verified, and the user joins immediately.

    Raises ValidationError for the password, APIError as joining.open_invitation does.
    """
    user = User(email=email, name=name)
    user.wanted_organization = organization_name or onboarding.default_name(user)
    validate_password(password, user)
    if invitation_token:
        onboarding.open_invitation(invitation_token, email=email)
    admitted = request_limits.may_mail(LinkKind.SIGN_UP, email)
    claim = Claim(
        LinkKind.SIGN_UP,
        email,
        password=hashed(password),
        name=name,
        organization_name=user.wanted_organization,
    )
    taken = is_taken(email)
    if invitation_token and not taken:
        taken = not _joined(claim, invitation_token)
        if not taken:
            return claim.key
    mailed_links.mail(claim, emails.already_registered if taken else emails.sign_up, admitted=admitted)
    return claim.key


def _joined(claim: Claim, invitation_token: str) -> bool:
    try:
        account_opening.open_account(
            email=claim.email, password=claim.password, name=claim.name, invitation_token=invitation_token
        )
    except account_opening.AddressTaken:
        return False
    return True
