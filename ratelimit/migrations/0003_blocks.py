from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("ratelimit", "0002_plans"),)
    operations = (
        migrations.RenameField("reservation", "start", "block_start"),
        migrations.AddField("reservation", "block_end", models.PositiveBigIntegerField(default=0)),
        migrations.AlterField(
            "plan",
            "burst_per_minute",
            models.PositiveIntegerField(
                blank=True,
                help_text="Per organization and minute, counted from its first request. Empty means none.",
                null=True,
            ),
        ),
    )
