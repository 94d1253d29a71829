"""Three more kinds of notice: a line's monthly limit, and rates that rise."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_notices_about_minutes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("top_up_failed", "Payment failed"),
                    ("balance_zero", "Balance used up"),
                    ("pool_low", "Plan minutes low"),
                    ("pool_used", "Plan minutes used up"),
                    ("line_limit_near", "Line near its monthly limit"),
                    ("line_limit_reached", "Line at its monthly limit"),
                    ("rates_change", "Rates change"),
                    ("usage_export", "List of calls"),
                ],
                max_length=40,
            ),
        ),
    ]
