"""Paths of our own services, below /internal/."""

from django.urls import path

from tokens import internal_api

urlpatterns = [
    path("metrics", internal_api.MetricsView.as_view(), name="internal-metrics"),
    path("housekeeping", internal_api.HousekeepingView.as_view(), name="internal-housekeeping"),
]
