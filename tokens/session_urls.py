"""The session doors, below /v1/auth/."""

from django.urls import path

from tokens import exchange_api, magic_link_api, session_list_api, session_views

urlpatterns = [
    path("login", session_views.LoginView.as_view(), name="api-login"),
    path("magic-link/verify", magic_link_api.MagicLinkVerifyView.as_view(), name="api-magic-link-verify"),
    path("exchange", exchange_api.ExchangeView.as_view(), name="api-exchange"),
    path("refresh", session_views.RefreshView.as_view(), name="api-refresh"),
    path("logout", session_views.LogoutView.as_view(), name="api-logout"),
    path("sessions", session_list_api.SessionsView.as_view(), name="api-sessions"),
    path("sessions/<str:session_id>", session_list_api.SessionView.as_view(), name="api-session"),
]
