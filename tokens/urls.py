"""Pages under /settings/ about API tokens."""

from django.urls import path

from tokens import create_views, revoke_views, views

urlpatterns = [
    path("tokens/", views.token_list, name="tokens"),
    path("tokens/search/", views.search, name="tokens_search"),
    path("tokens/new/", create_views.create, name="token_new"),
    path("tokens/revoke/", revoke_views.revoke_several, name="tokens_revoke"),
    path("tokens/<str:token_id>/", views.token_detail, name="token_detail"),
    path("tokens/<str:token_id>/edit/", views.edit, name="token_edit"),
    path("tokens/<str:token_id>/revoke/", revoke_views.revoke_one, name="token_revoke"),
]
