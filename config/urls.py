"""Every path of the product; each app lists its own pages and endpoints."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.staff import support
from tokens.api.sessions.password_grant import PasswordGrantView
from tokens.staff import search

# Django tries these in order, so the paths that programs call most come first.
urlpatterns = [
    path("api/", include("tokens.api.urls")),
    path("api/", include("accounts.api.urls")),
    path("", RedirectView.as_view(pattern_name="tokens", permanent=False)),
    path("accounts/", include("accounts.pages.account_urls")),
    path("settings/", include("accounts.pages.urls")),
    path("settings/audit-log/", include("accounts.pages.audit_log_urls")),
    path("settings/", include("tokens.pages.urls")),
    path("v1/auth/", include("accounts.api.registration_urls")),
    path("v1/auth/", include("tokens.api.sessions.urls")),
    path("auth/v1/token", PasswordGrantView.as_view(), name="api-password-grant"),
    path("", include("tokens.api.oauth.urls")),
    path("internal/", include("tokens.api.internal_urls")),
    path("", include("config.http.urls")),
    path("admin/search/", admin.site.admin_view(search.search), name="staff-search"),
    path("admin/support/end/", support.end, name="support-end"),
    path("admin/support/<str:secret>/", support.open_link, name="support-open"),
    path("admin/", admin.site.urls),
]

handler400 = "config.http.error_views.handler400"
handler403 = "config.http.error_views.handler403"
handler404 = "config.http.error_views.handler404"
handler500 = "config.http.error_views.handler500"
