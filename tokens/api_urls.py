"""JSON endpoints of credentials, below /api/."""

from django.urls import path

from tokens.identity_api import IdentityView

urlpatterns = [
    path("auth/whoami", IdentityView.as_view(), name="api-whoami"),
    path("v1/identity", IdentityView.as_view(), name="api-identity"),
]
