"""Plans come in versions, licences change in number, lines have a monthly limit."""

import credits.models.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sales_terms_inbox"),
        ("calling", "0003_rate_decks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Fences("0004_lift_plan_fences"),
        migrations.CreateModel(
            name="QuantityChange",
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
                ("before", models.PositiveIntegerField(verbose_name="licences before")),
                ("after", models.PositiveIntegerField(verbose_name="licences after")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "fee",
                    credits.models.fields.MicrosField(
                        verbose_name="fee for the rest of the month"
                    ),
                ),
            ],
            options={
                "verbose_name": "change of licences",
                "verbose_name_plural": "changes of licences",
                "ordering": ["subscription_id", "changed_at", "id"],
            },
        ),
        migrations.AlterModelOptions(
            name="callingplan",
            options={
                "ordering": ["family", "billing_mode", "-version"],
                "verbose_name": "calling plan",
                "verbose_name_plural": "calling plans",
            },
        ),
        migrations.RemoveConstraint(
            model_name="callingplan",
            name="one_plan_per_family_and_mode",
        ),
        migrations.AddField(
            model_name="callingplan",
            name="superseded_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="replaced at"
            ),
        ),
        migrations.AddField(
            model_name="callingplan",
            name="version",
            field=models.PositiveSmallIntegerField(
                default=1, editable=False, verbose_name="version"
            ),
        ),
        migrations.AddField(
            model_name="line",
            name="monthly_limit",
            field=models.BigIntegerField(
                blank=True, editable=False, null=True, verbose_name="stop at, a month"
            ),
        ),
        migrations.AddField(
            model_name="line",
            name="monthly_warning",
            field=models.BigIntegerField(
                blank=True, editable=False, null=True, verbose_name="warn at, a month"
            ),
        ),
        migrations.AddField(
            model_name="minutepool",
            name="told_percent",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Up to which share used the customer was told."
            ),
        ),
        migrations.AddConstraint(
            model_name="callingplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at", None)),
                fields=("family", "billing_mode", "price_currency"),
                name="one_plan_per_family_and_mode",
                violation_error_code="one_plan_per_family_and_mode",
                violation_error_message="This family has such a plan already; publish a new version of it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="callingplan",
            constraint=models.UniqueConstraint(
                fields=("family", "billing_mode", "price_currency", "version"),
                name="one_plan_per_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="callingplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("superseded_at", None), ("is_active", False), _connector="OR"
                ),
                name="plan_sold_until_replaced",
                violation_error_code="plan_sold_until_replaced",
                violation_error_message="A version that was replaced is not sold.",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ends_at", None)),
                fields=("organisation", "plan"),
                name="one_subscription_per_plan",
                violation_error_code="one_subscription_per_plan",
                violation_error_message="There is a subscription of this plan.",
            ),
        ),
        migrations.AddField(
            model_name="quantitychange",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="quantitychange",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quantity_changes",
                to="accounts.organisation",
            ),
        ),
        migrations.AddField(
            model_name="quantitychange",
            name="subscription",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quantity_changes",
                to="calling.subscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantitychange",
            constraint=models.CheckConstraint(
                condition=models.Q(("before", models.F("after")), _negated=True),
                name="quantity_changes_something",
            ),
        ),
        Fences("0004_restore_plan_fences"),
    ]
