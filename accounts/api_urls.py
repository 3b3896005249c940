"""JSON endpoints of the organization, below /api/."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("v1/organization", api.OrganizationView.as_view(), name="api-organization"),
    path("v1/members", api.MembersView.as_view(), name="api-members"),
]
