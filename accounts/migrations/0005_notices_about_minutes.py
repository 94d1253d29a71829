"""Two more kinds of notice: plan minutes at 80 % and used up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_notice_usage_export"),
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
                    ("usage_export", "List of calls"),
                ],
                max_length=40,
            ),
        ),
    ]
