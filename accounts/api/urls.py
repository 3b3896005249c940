"""JSON endpoints of the organization, below /api/."""

from django.urls import path

from accounts.api import audit, indexes, invitations, organization

urlpatterns = [
    path("v1/organization", organization.OrganizationView.as_view(), name="api-organization"),
    path("v1/audit-events", audit.AuditEventsView.as_view(), name="api-audit-events"),
    path("v1/indexes", indexes.IndexesView.as_view(), name="api-indexes"),
    path("v1/indexes/<str:uuid>", indexes.IndexView.as_view(), name="api-index"),
    path("v1/invitations", invitations.InvitationsView.as_view(), name="api-invitations"),
    path("v1/invitations/accept", invitations.AcceptanceView.as_view(), name="api-invitation-acceptance"),
    path("v1/invitations/<str:invitation_id>", invitations.InvitationView.as_view(), name="api-invitation"),
    path(
        "v1/invitations/<str:invitation_id>/resend",
        invitations.ResendingView.as_view(),
        name="api-invitation-resend",
    ),
    path("v1/members", organization.MembersView.as_view(), name="api-members"),
    path(
        "v1/organization/transfer-ownership",
        organization.OwnershipView.as_view(),
        name="api-transfer-ownership",
    ),
]
