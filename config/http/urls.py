"""Paths for operators and for readers of the live documentation."""

from django.urls import path

from config.http import documentation

urlpatterns = [
    path("api/schema", documentation.DocumentView.as_view(), name="api-schema"),
    path("v1/auth/docs", documentation.docs, name="docs"),
]
