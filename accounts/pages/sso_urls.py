"""Paths of single sign-on, below /accounts/: one per provider, to avoid mix-up attacks."""

from django.urls import path

from accounts.oidc.providers import GOOGLE, MICROSOFT
from accounts.pages import sso

urlpatterns = [
    entry
    for slug in (GOOGLE, MICROSOFT)
    for entry in (
        path(f"{slug}/login/", sso.sign_in, {"slug": slug}, name=f"{slug}_login"),
        path(f"{slug}/login/callback/", sso.callback, {"slug": slug}, name=f"{slug}_callback"),
        path(f"{slug}/reauthenticate/", sso.reauthenticate, {"slug": slug}, name=f"{slug}_reauthenticate"),
        path(f"{slug}/connect/", sso.connect, {"slug": slug}, name=f"{slug}_connect"),
        path(f"{slug}/disconnect/", sso.disconnect, {"slug": slug}, name=f"{slug}_disconnect"),
    )
]
