"""Pages under /settings/audit-log/."""

from django.urls import path

from accounts import audit_views

urlpatterns = [
    path("", audit_views.audit_log, name="audit_log"),
    path("export.csv", audit_views.export, {"form": "csv"}, name="audit_export_csv"),
    path("export.json", audit_views.export, {"form": "json"}, name="audit_export_json"),
]
