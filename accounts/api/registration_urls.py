"""Endpoints of sign-up and of mailed links, below /v1/auth/."""

from django.urls import path

from accounts.api.registration import MagicLinkView, PasswordResetConfirmView, PasswordResetView, SignUpView

urlpatterns = [
    path("signup", SignUpView.as_view(), name="api-sign-up"),
    path("password-reset", PasswordResetView.as_view(), name="api-password-reset"),
    path(
        "password-reset/confirm",
        PasswordResetConfirmView.as_view(),
        name="api-password-reset-confirm",
    ),
    path("magic-link", MagicLinkView.as_view(), name="api-magic-link"),
]
