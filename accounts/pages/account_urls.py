"""Pages of a person's account, below /accounts/: ours, and allauth's under its own names."""

from allauth.account import views
from django.urls import include, path

from accounts.pages import (
    confirm_email,
    email_change,
    invitation,
    magic_link,
    password_reset,
    recovery_codes,
    sign_up,
)
from accounts.pages.decorators import recently_authenticated
from accounts.pages.guests import guest_page
from accounts.pages.preferences import sign_out

urlpatterns = [
    path("login/", guest_page(views.login), name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("signup/", sign_up.sign_up, name="account_signup"),
    path("confirm-email/", views.email_verification_sent, name="account_email_verification_sent"),
    path("confirm-email/<str:secret>", confirm_email.confirm_email, name="confirm_email"),
    path("password/reset/", password_reset.ask, name="account_reset_password"),
    path("password/reset/done/", password_reset.asked, name="account_reset_password_done"),
    path("password/reset/key/<str:secret>", password_reset.choose, name="reset_password"),
    path("magic-link/", magic_link.ask, name="magic_link"),
    path("magic-link/sent/", magic_link.asked, name="magic_link_sent"),
    path("magic-link/<str:secret>", magic_link.open_link, name="open_magic_link"),
    path("email/", email_change.change_email, name="account_email"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", recently_authenticated(views.password_set), name="account_set_password"),
    path("2fa/recovery-codes/", recently_authenticated(recovery_codes.view)),
    path("2fa/recovery-codes/download/", recently_authenticated(recovery_codes.download)),
    path("2fa/recovery-codes/generate/", recently_authenticated(recovery_codes.generate)),
    path("2fa/", include("accounts.pages.mfa_urls")),
    path("", include("accounts.pages.sso_urls")),
    path("invitations/", invitation.resume, name="invitation_resume"),
    path("invitations/<str:secret>/", invitation.invitation, name="invitation"),
]
