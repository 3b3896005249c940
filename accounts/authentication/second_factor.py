"""The second factor at sign-in: a code of an authenticator app or a recovery code, with own rate limits."""

from __future__ import annotations

import logging
from hashlib import sha256

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest

from accounts.authentication import emails, mfa_secrets, throttling, user_events
from accounts.models import User
from accounts.notifications import outbox
from ratelimit import attempts
from ratelimit.attempts import TooManyAttempts
from ratelimit.types import FixedWindow

logger = logging.getLogger(__name__)

# Longer than the time steps in which one code is accepted, so that none is accepted twice.
CODE_SECONDS = 300
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Limited:
    """Mixin of allauth's forms: wrong codes are rate-limited, and a right one works once."""

    user: User
    cleaned_data: dict[str, str]
    authenticator: Authenticator

    def clean_code(self) -> str:
        code = self.cleaned_data["code"]
        try:
            found = verified(context.request, self.user, code)
        except mfa_secrets.Unreadable:
            raise get_adapter().validation_error("unreadable") from None
        if found is None:
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = found
        return code


class LimitedAuthenticateForm(Limited, AuthenticateForm):  # type: ignore[misc]
    """At sign-in."""


class LimitedReauthenticateForm(Limited, ReauthenticateForm):  # type: ignore[misc]
    """Before a sensitive change."""


def of_user(user: User) -> list[Authenticator]:
    """Return the user's authenticator app and passkeys, oldest first; recovery codes are no factor."""
    return list(Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("created_at"))


def is_on(user: User) -> bool:
    """Recovery codes alone are no second factor: no login method asks for them."""
    return bool(is_mfa_enabled(user, FACTORS))


def page_for(user: User) -> str:
    """Return the URL name of the page that asks for a second factor, or sets up the first one."""
    if not is_on(user):
        return "mfa_index"
    own = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    typed = {Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES}
    return "mfa_reauthenticate" if typed & own else "mfa_reauthenticate_webauthn"


def verified(request: HttpRequest | None, user: User, code: str) -> Authenticator | None:
    """Return the user's authenticator that this code is from, if it is used for the first time.

    Raises TooManyTries, and Unreadable if an authenticator could not be checked and no other one accepts
    the code.
    """
    reservation = throttling.reserve_code(user, request)
    with user_events.failing(user.email):
        found = _matching(user, code)
    if found is None or not _is_first_use(user, code):
        user_events.sign_in_failed(user.email)
        if throttling.is_time_to_warn(user):
            outbox.enqueue(emails.wrong_codes(settings.CODES_BEFORE_EMAIL), user.email)
        return None
    throttling.refund(reservation)
    mfa_secrets.renew(user)
    found.user = user
    return found


def _matching(user: User, code: str) -> Authenticator | None:
    unreadable = False
    typed = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for authenticator in typed.order_by("pk"):
        try:
            if _accepts(authenticator, code):
                return authenticator
        except mfa_secrets.Unreadable:
            unreadable = True
            logger.error("Second factor %s cannot be decrypted with this server's keys", authenticator.pk)
    if unreadable:
        raise mfa_secrets.Unreadable
    return None


def _accepts(authenticator: Authenticator, code: str) -> bool:
    """Validate without allauth's cache of used codes, which may be unavailable: `_is_first_use` decides."""
    if authenticator.type != Authenticator.Type.TOTP:
        return bool(authenticator.wrap().validate_code(code))
    return bool(validate_totp_code(mfa_secrets.decrypt(authenticator.data["secret"]), code))


def _is_first_use(user: User, code: str) -> bool:
    """Return True to exactly one of several requests with the same code."""
    digits = "".join(filter(str.isalnum, code)).lower()
    key = f"code:{user.pk.hex}:{sha256(digits.encode(errors='replace')).hexdigest()[:32]}"
    try:
        attempts.reserve([FixedWindow("code", key, 1, CODE_SECONDS)], durable=True)
    except TooManyAttempts:
        return False
    return True
