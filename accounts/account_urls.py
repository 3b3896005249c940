"""allauth's pages, under their own names."""

from allauth.account import views
from allauth.mfa.base.views import authenticate
from django.urls import path

from accounts.views import sign_out

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("2fa/authenticate/", authenticate, name="mfa_authenticate"),
]
