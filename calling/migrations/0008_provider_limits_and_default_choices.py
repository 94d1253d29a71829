"""Limits that both sides set, and choices of a default card (rules 9.1 and 6.1)."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_invoices_limits_states"),
        ("calling", "0007_permission"),
    ]

    operations = [
        migrations.CreateModel(
            name="DefaultCardChoice",
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
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="default_choices",
                        to="calling.ratecard",
                    ),
                ),
                (
                    "before",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="calling.ratecardversion",
                    ),
                ),
                (
                    "after",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="calling.ratecardversion",
                    ),
                ),
                ("chosen_at", models.DateTimeField(verbose_name="chosen at")),
                (
                    "told_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="customers told"
                    ),
                ),
            ],
            options={
                "verbose_name": "choice of a default card",
                "verbose_name_plural": "choices of a default card",
                "ordering": ["-id"],
            },
        ),
        migrations.AlterModelOptions(
            name="calllimits",
            options={
                "ordering": ["organisation_id", "for_new", "by_provider"],
                "verbose_name": "call limits",
                "verbose_name_plural": "call limits",
            },
        ),
        Fences("0008_lift_limit_fences"),
        migrations.AddField(
            model_name="calllimits",
            name="by_provider",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The customer cannot loosen it.",
                verbose_name="set by the provider",
            ),
        ),
        migrations.AlterField(
            model_name="calllimits",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="call_limits",
                to="accounts.organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="calllimits",
            constraint=models.UniqueConstraint(
                condition=models.Q(("organisation__isnull", False)),
                fields=("organisation", "by_provider"),
                name="one_limit_of_each_side",
                violation_error_code="one_limit_of_each_side",
                violation_error_message="This organisation has such limits already.",
            ),
        ),
        Fences("0008_restore_limit_fences"),
    ]
