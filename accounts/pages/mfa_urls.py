"""allauth's pages of second factors; those that show or change one need a recent sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from allauth.mfa import urls
from django.urls import URLPattern, URLResolver

from accounts.pages.decorators import recently_authenticated
from accounts.pages.guests import guest_page

# The overview, and where a factor is asked for again.
OPEN = {"mfa_index", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
# Where a factor is asked for at sign-in.
GUEST = {"mfa_authenticate", "mfa_login_webauthn"}


def _guarded(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern | URLResolver]:
    """allauth checks it too, except for users without a password, who reauthenticate at their provider."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield URLResolver(one.pattern, list(_guarded(one.url_patterns)))
        elif one.name in OPEN:
            yield one
        else:
            guard = guest_page if one.name in GUEST else recently_authenticated
            view = guard(one.callback)
            yield URLPattern(one.pattern, view, one.default_args, one.name)


urlpatterns = list(_guarded(urls.urlpatterns))
