"""Pages under /settings/ about people, and the two switches of every page's frame."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("members/", views.members, name="members"),
    path("switch-organization/", views.switch_organization, name="switch_organization"),
    path("theme/", views.switch_theme, name="switch_theme"),
]
