"""Session endpoints, below /v1/auth/."""

from django.urls import path

from tokens.api.sessions import exchange, login, magic_link, sessions

urlpatterns = [
    path("login", login.LoginView.as_view(), name="api-login"),
    path("magic-link/verify", magic_link.MagicLinkVerifyView.as_view(), name="api-magic-link-verify"),
    path("exchange", exchange.ExchangeView.as_view(), name="api-exchange"),
    path("refresh", login.RefreshView.as_view(), name="api-refresh"),
    path("logout", login.LogoutView.as_view(), name="api-logout"),
    path("sessions", sessions.SessionsView.as_view(), name="api-sessions"),
    path("sessions/<str:session_id>", sessions.SessionView.as_view(), name="api-session"),
]
