"""The four plans of seed 001; staff edit them in the admin afterwards."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PLANS = (
    ("free", "Free", 100),
    ("solopreneur", "Solopreneur", 1_000),
    ("small_business", "Small Business", 10_000),
    ("enterprise", "Enterprise", None),
)


def create_plans(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    plan = apps.get_model("ratelimit", "Plan")
    for slug, name, per_day in PLANS:
        plan.objects.get_or_create(slug=slug, defaults={"name": name, "requests_per_day": per_day})


class Migration(migrations.Migration):
    dependencies = (("ratelimit", "0001_initial"),)
    operations = (migrations.RunPython(create_plans, migrations.RunPython.noop),)
