from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("ratelimit", "0003_blocks"),)
    # The database's own default serves processes of the previous release, which don't know the column.
    operations = (
        migrations.AddField(
            "dailyusage", "refused_uses", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField("dailyusage", "last_refused_at", models.DateTimeField(null=True)),
        migrations.AddField("dailyusage", "last_refused_ip", models.GenericIPAddressField(null=True)),
    )
