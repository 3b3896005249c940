"""JSON endpoints of the organization, below /api/."""

from django.urls import path

from accounts import api, audit_api, index_api, invitations_api

urlpatterns = [
    path("v1/organization", api.OrganizationView.as_view(), name="api-organization"),
    path("v1/audit-events", audit_api.AuditEventsView.as_view(), name="api-audit-events"),
    path("v1/indexes", index_api.IndexesView.as_view(), name="api-indexes"),
    path("v1/indexes/<str:uuid>", index_api.IndexView.as_view(), name="api-index"),
    path("v1/invitations", invitations_api.InvitationsView.as_view(), name="api-invitations"),
    path("v1/invitations/accept", invitations_api.AcceptanceView.as_view(), name="api-invitation-acceptance"),
    path(
        "v1/invitations/<str:invitation_id>", invitations_api.InvitationView.as_view(), name="api-invitation"
    ),
    path(
        "v1/invitations/<str:invitation_id>/resend",
        invitations_api.ResendingView.as_view(),
        name="api-invitation-resend",
    ),
    path("v1/members", api.MembersView.as_view(), name="api-members"),
    path(
        "v1/organization/transfer-ownership",
        api.OwnershipView.as_view(),
        name="api-transfer-ownership",
    ),
]
