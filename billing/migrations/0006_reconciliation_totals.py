"""What both sides of a reconciliation add up to; when a try was last asked about."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_invoices"),
    ]

    operations = [
        migrations.AddField(
            model_name="rechargetry",
            name="looked_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="last asked Stripe"
            ),
        ),
        migrations.AddField(
            model_name="reconciliationrun",
            name="position",
            field=models.CharField(
                blank=True, db_default="", editable=False, max_length=300
            ),
        ),
        migrations.CreateModel(
            name="ReconciliationTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("paid", "Paid"),
                            ("refunded", "Refunded"),
                            ("disputed", "Disputed"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("ours", models.BigIntegerField(default=0, verbose_name="ours")),
                ("theirs", models.BigIntegerField(default=0, verbose_name="Stripe's")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="totals",
                        to="billing.reconciliationrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "total of a reconciliation",
                "verbose_name_plural": "totals of reconciliations",
                "ordering": ["run_id", "currency", "kind"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("run", "kind", "currency"), name="one_total_per_run"
                    )
                ],
            },
        ),
    ]
