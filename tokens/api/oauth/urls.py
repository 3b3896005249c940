"""The OAuth 2.1 token service (RFC 6749, 7009, 7662, 8414)."""

from django.urls import path

from tokens.api.oauth import metadata, views

urlpatterns = [
    path("v1/auth/token", views.TokenView.as_view(), name="oauth-token"),
    path("v1/auth/revoke", views.RevocationView.as_view(), name="oauth-revoke"),
    path("v1/auth/introspect", views.IntrospectionView.as_view(), name="oauth-introspect"),
    path(".well-known/oauth-authorization-server", metadata.metadata, name="oauth-metadata"),
    path(".well-known/jwks.json", metadata.jwks, name="jwks"),
]
