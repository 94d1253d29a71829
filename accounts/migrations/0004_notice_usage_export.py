"""One more kind of notice: the list of calls that was asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sales_terms_inbox"),
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
                    ("usage_export", "List of calls"),
                ],
                max_length=40,
            ),
        ),
    ]
