"""Pages of a person's account, below /accounts/: ours, and allauth's under its own names."""

from allauth.account import views
from django.urls import include, path

from accounts import (
    address_views,
    confirm_views,
    invitation_views,
    magic_link_views,
    recovery_code_views,
    reset_views,
    sign_up_views,
)
from accounts.access import recently_authenticated
from accounts.guest_pages import guest_page
from accounts.views import sign_out

urlpatterns = [
    path("login/", guest_page(views.login), name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("signup/", sign_up_views.sign_up, name="account_signup"),
    path("confirm-email/", views.email_verification_sent, name="account_email_verification_sent"),
    path("confirm-email/<str:secret>", confirm_views.confirm_email, name="confirm_email"),
    path("password/reset/", reset_views.ask, name="account_reset_password"),
    path("password/reset/done/", reset_views.asked, name="account_reset_password_done"),
    path("password/reset/key/<str:secret>", reset_views.choose, name="reset_password"),
    path("magic-link/", magic_link_views.ask, name="magic_link"),
    path("magic-link/sent/", magic_link_views.asked, name="magic_link_sent"),
    path("magic-link/<str:secret>", magic_link_views.open_link, name="open_magic_link"),
    path("email/", address_views.change_email, name="account_email"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", recently_authenticated(views.password_set), name="account_set_password"),
    path("2fa/recovery-codes/", recently_authenticated(recovery_code_views.view)),
    path("2fa/recovery-codes/download/", recently_authenticated(recovery_code_views.download)),
    path("2fa/recovery-codes/generate/", recently_authenticated(recovery_code_views.generate)),
    path("2fa/", include("accounts.mfa_urls")),
    path("", include("accounts.sso_urls")),
    path("invitations/", invitation_views.resume, name="invitation_resume"),
    path("invitations/<str:secret>/", invitation_views.invitation, name="invitation"),
]
