"""What a month's close writes is proven once a statement, not row by row (rule 10.1).

Fences take the place of foreign keys, and indexes go that another one covers.
"""

import django.db.models.deletion
from django.db import migrations, models

from accounts.fences import Fences

PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_invoices_limits_states"),
        ("billing", "0006_reconciliation_totals"),
    ]

    operations = [
        # First: SQLite alters a table by copying it, and a copy has no triggers.
        Fences("0007_before"),
        migrations.AlterField(
            model_name="closedmonth",
            name="invoice",
            field=models.OneToOneField(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=PROTECT,
                related_name="closed_month",
                to="billing.invoice",
            ),
        ),
        migrations.AlterField(
            model_name="closedmonth",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=PROTECT,
                related_name="closed_months",
                to="accounts.organisation",
            ),
        ),
        migrations.AlterField(
            model_name="invoice",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=PROTECT,
                related_name="invoices",
                to="accounts.organisation",
            ),
        ),
        migrations.AlterField(
            model_name="invoiceline",
            name="credits",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=PROTECT,
                related_name="credited_by",
                to="billing.invoiceline",
                verbose_name="takes back",
            ),
        ),
        migrations.AlterField(
            model_name="invoiceline",
            name="invoice",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=PROTECT,
                related_name="lines",
                to="billing.invoice",
            ),
        ),
        Fences("0007_fences"),
    ]
