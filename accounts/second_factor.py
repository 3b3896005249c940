"""The second factor at sign-in: a code of the person's app or a recovery code, under the sign-in limits."""

from __future__ import annotations

from hashlib import sha256

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest

from accounts import people_trail, sign_in_limits
from accounts.models import User
from ratelimit import tries
from ratelimit.tries import TooMany
from ratelimit.values import WindowLimit

# Longer than the time steps in which one code is accepted, so that none is accepted twice.
CODE_SECONDS = 300
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Limited:
    """Mixed into allauth's forms: a wrong code counts as a wrong password does, a right one works once."""

    user: User

    def clean_code(self) -> str:
        taken = sign_in_limits.take(self.user.email, context.request)
        with people_trail.failing(self.user.email):
            code: str = super().clean_code()  # type: ignore[misc]
            if not _is_first_use(self.user, code):
                raise get_adapter().validation_error("incorrect_code")
        sign_in_limits.give_back(taken)
        return code


class LimitedAuthenticateForm(Limited, AuthenticateForm):  # type: ignore[misc]
    """At sign-in."""


class LimitedReauthenticateForm(Limited, ReauthenticateForm):  # type: ignore[misc]
    """Before a sensitive change."""


def is_on(user: User) -> bool:
    """Recovery codes that were left alone are no factor: no door would ask for them."""
    return bool(is_mfa_enabled(user, FACTORS))


def accepts(request: HttpRequest, user: User, code: str) -> bool:
    """Whether the code is one of the person's, now and for the first time; raises TooManyTries."""
    taken = sign_in_limits.take(user.email, request)
    typed = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for authenticator in typed:
        if authenticator.wrap().validate_code(code):
            if not _is_first_use(user, code):
                break
            authenticator.record_usage()
            sign_in_limits.give_back(taken)
            return True
    people_trail.sign_in_failed(user.email)
    return False


def _is_first_use(user: User, code: str) -> bool:
    """Exactly one of several requests with the same code; a cache that all share may be missing."""
    digits = "".join(filter(str.isalnum, code)).lower()
    key = f"code:{user.pk.hex}:{sha256(digits.encode(errors='replace')).hexdigest()[:32]}"
    try:
        tries.take([WindowLimit("code", key, 1, CODE_SECONDS)], durable=True)
    except TooMany:
        return False
    return True
