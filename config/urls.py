"""Every path of the product; each app lists its own pages and endpoints."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from tokens import staff_search
from tokens.password_grant_views import PasswordGrantView

# Asked from the top, so what programs call most stands first.
urlpatterns = [
    path("api/", include("tokens.api_urls")),
    path("api/", include("accounts.api_urls")),
    path("", RedirectView.as_view(pattern_name="tokens", permanent=False)),
    path("accounts/", include("accounts.account_urls")),
    path("settings/", include("accounts.urls")),
    path("settings/audit-log/", include("accounts.audit_urls")),
    path("settings/", include("tokens.urls")),
    path("v1/auth/", include("accounts.auth_urls")),
    path("v1/auth/", include("tokens.session_urls")),
    path("auth/v1/token", PasswordGrantView.as_view(), name="api-password-grant"),
    path("", include("tokens.oauth_urls")),
    path("internal/", include("tokens.internal_urls")),
    path("", include("config.operation_urls")),
    path("admin/search/", admin.site.admin_view(staff_search.search), name="staff-search"),
    path("admin/", admin.site.urls),
]

handler400 = "config.handlers.handler400"
handler403 = "config.handlers.handler403"
handler404 = "config.handlers.handler404"
handler500 = "config.handlers.handler500"
