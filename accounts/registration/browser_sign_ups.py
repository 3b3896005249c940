"""Sign-ups made in this browser, which are not asked for a new password.

A signed cookie, and no session: a program may sign a person up whose browser has no session yet.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models.mailed_claim import MailedClaim

SALT = "accounts.registration.browser_sign_ups"
MOST = 10


def name() -> str:
    return "__Host-signed-up" if settings.SECURE else "signed-up"


def remember(request: HttpRequest, response: HttpResponseBase, key: str) -> None:
    """Remember that this client has just set the password of the claim."""
    known = {**_known(request), key: time.time()}
    response.set_cookie(
        name(),
        signing.dumps(dict(list(known.items())[-MOST:]), salt=SALT),
        max_age=settings.VERIFICATION_SECONDS,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def given_at(request: HttpRequest, link: MailedClaim) -> float | None:
    """Return when this client set the claim's password; None if another client did."""
    return _known(request).get(link.claim)


def forget(response: HttpResponseBase) -> None:
    response.delete_cookie(name(), samesite="Lax")


def _known(request: HttpRequest) -> dict[str, float]:
    try:
        # Its age is not asked: a claim expires by itself.
        known: dict[str, float] = signing.loads(request.COOKIES.get(name(), ""), salt=SALT)
    except signing.BadSignature:
        return {}
    return known
