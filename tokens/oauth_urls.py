"""The OAuth 2.1 token service (RFC 6749, 7009, 7662, 8414)."""

from django.urls import path

from tokens import oauth_views, well_known

urlpatterns = [
    path("v1/auth/token", oauth_views.TokenView.as_view(), name="oauth-token"),
    path("v1/auth/revoke", oauth_views.RevocationView.as_view(), name="oauth-revoke"),
    path("v1/auth/introspect", oauth_views.IntrospectionView.as_view(), name="oauth-introspect"),
    path(".well-known/oauth-authorization-server", well_known.metadata, name="oauth-metadata"),
    path(".well-known/jwks.json", well_known.jwks, name="jwks"),
]
