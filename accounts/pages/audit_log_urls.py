"""Pages under /settings/audit-log/."""

from django.urls import path

from accounts.pages import audit_log

urlpatterns = [
    path("", audit_log.audit_log, name="audit_log"),
    path("export.csv", audit_log.export, {"form": "csv"}, name="audit_export_csv"),
    path("export.json", audit_log.export, {"form": "json"}, name="audit_export_json"),
]
