"""Showing a new secret once, on a page after its form: in the same browser, within a minute.

The session holds the encrypted secret, and a cookie of that page holds the key. Reading the secret takes
both the database with SECRET_KEY and the browser.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64decode, b64encode
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables

from accounts.authentication.session_store import SessionStore, stored_key
from accounts.pages.decorators import PageRequest
from tokens.crypto.sealing import seal, unseal

SECONDS = 60
SHOWN_ONCE = "The secret was shown once."
PREFIX = "reveal:"


class SeeOther(HttpResponseRedirect):
    status_code = 303


def cookie_name() -> str:
    return "__Secure-reveal" if settings.SECURE else "reveal"


@sensitive_variables("plaintext", "key")
def redirect_to(path: str, request: PageRequest, plaintext: str) -> HttpResponse:
    """Redirect from the form to the page at ``path``, which shows the secret."""
    key, now = secrets.token_urlsafe(32), time.time()
    for name, kept in list(request.session.items()):
        if name.startswith(PREFIX) and kept["until"] <= now:
            del request.session[name]
    sealed = b64encode(seal(key, plaintext)).decode()
    request.session[PREFIX + path] = {"sealed": sealed, "until": now + SECONDS}
    response = SeeOther(path)
    response.set_cookie(
        cookie_name(),
        key,
        max_age=SECONDS,
        path=path,
        secure=settings.SECURE,
        httponly=True,
        # Browsers send no strict cookie with redirects from an identity provider.
        samesite="Lax" if request.actor.proof.by_provider else "Strict",
    )
    return _uncached(response)


@sensitive_variables("plaintext")
def reveal(request: HttpRequest, template: str, context: dict[str, Any], *, afterwards: str) -> HttpResponse:
    """Return the page with the secret the first time, and a redirect to ``afterwards`` later."""
    plaintext = _take(request)
    if plaintext is None:
        messages.info(request, SHOWN_ONCE)
        response: HttpResponse = redirect(afterwards)
    else:
        response = render(request, template, context | {"plaintext": plaintext})
    response.delete_cookie(cookie_name(), path=request.path, samesite="Strict")
    return _uncached(response)


@sensitive_variables("key")
def _take(request: HttpRequest) -> str | None:
    """Remove the secret from the session and decrypt it. Of concurrent requests, only one gets it."""
    name, key = PREFIX + request.path, request.COOKIES.get(cookie_name(), "")
    with transaction.atomic():
        Session.objects.select_for_update().filter(pk=stored_key(request.session)).first()
        # This request may have read its session before another one took the secret.
        stored = SessionStore(request.session.session_key)
        kept = stored.pop(name, None)
        if kept is not None:
            stored.save()
    request.session.pop(name, None)
    if kept is None or kept["until"] <= time.time():
        return None
    return unseal(key, b64decode(kept["sealed"]))


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
