"""Endpoints of internal services, below /internal/."""

from django.urls import path

from tokens.api import internal

urlpatterns = [
    path("metrics", internal.MetricsView.as_view(), name="internal-metrics"),
    path("housekeeping", internal.HousekeepingView.as_view(), name="internal-housekeeping"),
]
