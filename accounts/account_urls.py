"""allauth's pages, under their own names."""

from django.urls import path

from allauth.account import views

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
]
