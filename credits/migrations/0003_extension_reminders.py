"""One extension per lot, by staff; reminders noted on the lot (rule 3.8).

Only nullable columns, so that SQLite adds them to the table its fences watch.
"""

from django.db import migrations, models

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_fences")]

    operations = [
        migrations.AlterModelOptions(
            "lot",
            options={
                "permissions": [("extend_lot", "Can extend the expiry of credit")],
                "verbose_name": "lot",
                "verbose_name_plural": "lots",
            },
        ),
        migrations.AddField(
            "lot", "extended_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            "lot", "extended_from", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            "lot",
            "reminded_days",
            models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            "lot",
            models.Index(
                condition=models.Q(
                    ("exhausted_at__isnull", False),
                    ("lapsed_at__isnull", False),
                    models.Q(
                        ("reminded_days", None),
                        ("reminded_days__gt", 0),
                        _connector="OR",
                    ),
                ),
                fields=["id"],
                name="expired_lots_to_tell_of",
            ),
        ),
        Fences("0003_fences"),
    ]
