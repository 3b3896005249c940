"""Sign-in at the JSON endpoints: password, then the second factor if it is on."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from accounts import errors
from accounts.authentication import mfa_secrets, second_factor
from accounts.authentication.mfa_adapter import MFAAdapter
from accounts.authentication.throttling import TooManyTries
from accounts.errors import APIError
from accounts.models import User
from accounts.proof import Factor, Proof, proven
from tokens.sessions import session_errors


def check_password(request: HttpRequest, *, email: str, password: str) -> User:
    """Return the user of the address and password. ``user.password`` is the hash that was checked.

    Raises APIError: rate_limited, email_not_verified, and invalid_credentials for a wrong password, an
    unknown account and an inactive one alike.
    """
    try:
        user: User | None = get_adapter(request).authenticate(request, email=email, password=password)
    except TooManyTries as many:
        raise APIError(errors.RATE_LIMITED, retry_after=many.retry_after) from None
    # allauth returns an inactive user as well, for a page of its own.
    if user is None or not user.is_active:
        raise APIError(session_errors.INVALID_CREDENTIALS)
    if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        raise APIError(session_errors.EMAIL_NOT_VERIFIED)
    return user


def check_second_factor(request: HttpRequest, user: User, code: str, proof: Proof) -> Proof:
    """Return ``proof`` with the second factor, if it is on.

    Raises APIError: mfa_required without a code, invalid_code, rate_limited.
    """
    if not second_factor.is_on(user):
        return proof
    if not code:
        raise APIError(session_errors.MFA_REQUIRED)
    try:
        found = second_factor.verified(request, user, code)
    except TooManyTries as many:
        raise APIError(errors.RATE_LIMITED, retry_after=many.retry_after) from None
    except mfa_secrets.Unreadable:
        detail = str(MFAAdapter.error_messages["unreadable"])
        raise APIError(session_errors.INVALID_CODE, detail=detail) from None
    if found is None:
        raise APIError(session_errors.INVALID_CODE)
    found.record_usage()
    factor = proven(Factor(found.type), authenticator=found.pk)
    return proof.then(*factor.steps)
