"""JSON endpoints of credentials, below /api/."""

from django.urls import path

from tokens.api import clients, forward_auth, token_impact, token_pause, token_rotation, tokens
from tokens.api.context import ContextView
from tokens.api.leaks import LeaksView
from tokens.api.leaks_github import GitHubLeaksView
from tokens.api.members import MemberView
from tokens.api.token_usage import TokenUsageView
from tokens.api.usage import UsageView
from tokens.api.whoami import IdentityView

urlpatterns = [
    path("auth/verify", forward_auth.verify, name="api-verify"),
    path("auth/verify/envoy", forward_auth.verify, {"status": 200}, name="api-verify-envoy"),
    path("auth/verify/nginx", forward_auth.verify, name="api-verify-nginx"),
    path("auth/whoami", IdentityView.as_view(), name="api-whoami"),
    path("v1/clients", clients.ClientsView.as_view(), name="api-clients"),
    path("v1/clients/<str:client_id>", clients.ClientView.as_view(), name="api-client"),
    path(
        "v1/clients/<str:client_id>/rotate-secret",
        clients.ClientSecretView.as_view(),
        name="api-client-secret",
    ),
    path("v1/clients/<str:client_id>/tokens", clients.ClientTokensView.as_view(), name="api-client-tokens"),
    path("v1/context", ContextView.as_view(), name="api-context"),
    path("v1/identity", IdentityView.as_view(), name="api-identity"),
    path("v1/leaks", LeaksView.as_view(), name="api-leaks"),
    path("v1/leaks/github", GitHubLeaksView.as_view(), name="api-leaks-github"),
    path("v1/members/<str:member_id>", MemberView.as_view(), name="api-member"),
    path("v1/organization/revoke-all", clients.RevokeAllView.as_view(), name="api-revoke-all"),
    path("v1/tokens", tokens.TokensView.as_view(), name="api-tokens"),
    path("v1/tokens/lookup", tokens.TokenLookupView.as_view(), name="api-token-lookup"),
    path("v1/tokens/<str:token_id>", tokens.TokenView.as_view(), name="api-token"),
    path("v1/tokens/<str:token_id>/impact", token_impact.TokenImpactView.as_view(), name="api-token-impact"),
    path("v1/tokens/<str:token_id>/pause", token_pause.TokenPauseView.as_view(), name="api-token-pause"),
    path("v1/tokens/<str:token_id>/resume", token_pause.TokenResumeView.as_view(), name="api-token-resume"),
    path("v1/tokens/<str:token_id>/revoke", tokens.TokenRevocationView.as_view(), name="api-token-revoke"),
    path(
        "v1/tokens/<str:token_id>/rotate", token_rotation.TokenRotateView.as_view(), name="api-token-rotate"
    ),
    path(
        "v1/tokens/<str:token_id>/rotation",
        token_rotation.TokenRotationView.as_view(),
        name="api-token-rotation",
    ),
    path(
        "v1/tokens/<str:token_id>/rotation/finish",
        token_rotation.TokenRotationFinishView.as_view(),
        name="api-token-rotation-finish",
    ),
    path("v1/tokens/<str:token_id>/usage", TokenUsageView.as_view(), name="api-token-usage"),
    path("v1/usage", UsageView.as_view(), name="api-usage"),
]
