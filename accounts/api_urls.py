"""JSON endpoints of the organization, below /api/."""

from django.urls import path

from accounts import api, index_api

urlpatterns = [
    path("v1/organization", api.OrganizationView.as_view(), name="api-organization"),
    path("v1/indexes", index_api.IndexesView.as_view(), name="api-indexes"),
    path("v1/indexes/<str:uuid>", index_api.IndexView.as_view(), name="api-index"),
    path("v1/members", api.MembersView.as_view(), name="api-members"),
]
