"""JSON endpoints of credentials, below /api/."""

from django.urls import path

from tokens import clients_api, forward, tokens_api
from tokens.context_api import ContextView
from tokens.identity_api import IdentityView
from tokens.members_api import MemberView
from tokens.usage_api import UsageView

urlpatterns = [
    path("auth/verify", forward.verify, name="api-verify"),
    path("auth/verify/envoy", forward.verify, {"status": 200}, name="api-verify-envoy"),
    path("auth/verify/nginx", forward.verify, name="api-verify-nginx"),
    path("auth/whoami", IdentityView.as_view(), name="api-whoami"),
    path("v1/clients", clients_api.ClientsView.as_view(), name="api-clients"),
    path("v1/clients/<str:client_id>", clients_api.ClientView.as_view(), name="api-client"),
    path(
        "v1/clients/<str:client_id>/rotate-secret",
        clients_api.ClientSecretView.as_view(),
        name="api-client-secret",
    ),
    path(
        "v1/clients/<str:client_id>/tokens", clients_api.ClientTokensView.as_view(), name="api-client-tokens"
    ),
    path("v1/context", ContextView.as_view(), name="api-context"),
    path("v1/identity", IdentityView.as_view(), name="api-identity"),
    path("v1/members/<str:member_id>", MemberView.as_view(), name="api-member"),
    path("v1/organization/revoke-all", clients_api.RevokeAllView.as_view(), name="api-revoke-all"),
    path("v1/tokens", tokens_api.TokensView.as_view(), name="api-tokens"),
    path("v1/tokens/lookup", tokens_api.TokenLookupView.as_view(), name="api-token-lookup"),
    path("v1/tokens/<str:token_id>", tokens_api.TokenView.as_view(), name="api-token"),
    path(
        "v1/tokens/<str:token_id>/revoke", tokens_api.TokenRevocationView.as_view(), name="api-token-revoke"
    ),
    path("v1/usage", UsageView.as_view(), name="api-usage"),
]
