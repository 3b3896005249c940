"""Pages under /settings/ about people, the profile, and the two switches of every page's frame."""

from django.urls import path

from accounts import members_views, profile_views, views

urlpatterns = [
    path("members/", members_views.members, name="members"),
    path("members/invite/", members_views.invite, name="member_invite"),
    path(
        "members/invitations/<str:invitation_id>/resend/",
        members_views.resend,
        name="invitation_resend",
    ),
    path(
        "members/invitations/<str:invitation_id>/revoke/",
        members_views.revoke,
        name="invitation_revoke",
    ),
    path("members/transfer-ownership/", members_views.transfer, name="ownership_transfer"),
    path("profile/", profile_views.show, name="profile"),
    path("switch-organization/", views.switch_organization, name="switch_organization"),
    path("theme/", views.switch_theme, name="switch_theme"),
]
