"""Paths for operators and for readers of the live documentation."""

from django.urls import path

from config import operation

urlpatterns = [
    path("readyz", operation.readyz, name="readyz"),
]
