"""Paths of single sign-on, below /accounts/; each provider has its own, so that none answers for another."""

from django.urls import path

from accounts import sso_views
from accounts.sso_providers import GOOGLE, MICROSOFT

urlpatterns = [
    entry
    for slug in (GOOGLE, MICROSOFT)
    for entry in (
        path(f"{slug}/login/", sso_views.sign_in, {"slug": slug}, name=f"{slug}_login"),
        path(f"{slug}/login/callback/", sso_views.callback, {"slug": slug}, name=f"{slug}_callback"),
        path(
            f"{slug}/reauthenticate/", sso_views.reauthenticate, {"slug": slug}, name=f"{slug}_reauthenticate"
        ),
        path(f"{slug}/connect/", sso_views.connect, {"slug": slug}, name=f"{slug}_connect"),
        path(f"{slug}/disconnect/", sso_views.disconnect, {"slug": slug}, name=f"{slug}_disconnect"),
    )
]
