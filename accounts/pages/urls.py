"""Pages under /settings/ about members and the profile, and the switches of the page frame."""

from django.urls import path

from accounts.pages import members, preferences, profile

urlpatterns = [
    path("members/", members.members, name="members"),
    path("members/invite/", members.invite, name="member_invite"),
    path(
        "members/invitations/<str:invitation_id>/resend/",
        members.resend,
        name="invitation_resend",
    ),
    path(
        "members/invitations/<str:invitation_id>/revoke/",
        members.revoke,
        name="invitation_revoke",
    ),
    path("members/transfer-ownership/", members.transfer, name="ownership_transfer"),
    path("profile/", profile.show, name="profile"),
    path("switch-organization/", preferences.switch_organization, name="switch_organization"),
    path("theme/", preferences.switch_theme, name="switch_theme"),
]
