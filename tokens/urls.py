"""Pages under /settings/ about credentials: API tokens, OAuth clients, and the person's own sessions."""

from django.urls import path

from tokens import (
    client_end_views,
    client_secret_views,
    client_views,
    create_views,
    member_views,
    organization_views,
    revoke_views,
    security_views,
    usage_views,
    views,
)

urlpatterns = [
    path("clients/", client_views.client_list, name="clients"),
    path("clients/new/", client_secret_views.create, name="client_new"),
    path("clients/<str:client_id>/", client_views.client_detail, name="client_detail"),
    path("clients/<str:client_id>/edit/", client_views.edit, name="client_edit"),
    path("clients/<str:client_id>/rotate/", client_secret_views.rotate, name="client_rotate"),
    path("clients/<str:client_id>/revoke/", client_end_views.revoke, name="client_revoke"),
    path("clients/<str:client_id>/delete/", client_end_views.delete, name="client_delete"),
    path("organization/", organization_views.organization, name="organization"),
    path("organization/rename/", organization_views.rename, name="organization_rename"),
    path("organization/policies/", organization_views.policies, name="organization_policies"),
    path("organization/rotate-key/", organization_views.rotate_key, name="organization_key"),
    path("organization/revoke-all/", organization_views.revoke_everything, name="organization_revoke"),
    path("organization/delete/", organization_views.delete, name="organization_delete"),
    path("security/", security_views.security, name="security"),
    path("security/sessions/<str:session_id>/end/", security_views.end_session, name="security_end_session"),
    path("security/browsers/<int:browser_id>/end/", security_views.end_browser, name="security_end_browser"),
    path("security/end-others/", security_views.end_others, name="security_end_others"),
    path("security/end-all/", security_views.end_all, name="security_end_all"),
    path("members/leave/", member_views.leave, name="member_leave"),
    path("members/<str:member_id>/role/", member_views.change_role, name="member_role"),
    path("members/<str:member_id>/remove/", member_views.remove, name="member_remove"),
    path("tokens/", views.token_list, name="tokens"),
    path("tokens/search/", views.search, name="tokens_search"),
    path("tokens/new/", create_views.create, name="token_new"),
    path("tokens/revoke/", revoke_views.revoke_several, name="tokens_revoke"),
    path("tokens/<str:token_id>/", views.token_detail, name="token_detail"),
    path("tokens/<str:token_id>/edit/", views.edit, name="token_edit"),
    path("tokens/<str:token_id>/revoke/", revoke_views.revoke_one, name="token_revoke"),
    path("usage/", usage_views.usage_page, name="usage"),
    path("usage/export.csv", usage_views.export, name="usage_export"),
]
