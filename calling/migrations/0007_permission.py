"""Which calls may start: barring, limits, line months, denied calls (rule 9.1)."""

import credits.models.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_invoices_limits_states"),
        ("calling", "0006_countries_limits_and_rises"),
        ("credits", "0004_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="asks_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                null=True,
                verbose_name="asks for permission since",
            ),
        ),
        migrations.CreateModel(
            name="Barring",
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
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "prefix",
                    models.CharField(
                        blank=True,
                        help_text="Digits, country code first, without plus.",
                        max_length=15,
                        validators=[
                            django.core.validators.RegexValidator("^[1-9]\\d{0,14}$")
                        ],
                        verbose_name="prefix",
                    ),
                ),
                (
                    "number_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("fixed", "fixed"),
                            ("mobile", "mobile"),
                            ("tollfree", "toll-free"),
                            ("premium", "premium"),
                            ("shared_cost", "shared cost"),
                            ("local", "local"),
                            ("any", "any"),
                        ],
                        max_length=15,
                        verbose_name="class",
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}$")
                        ],
                        verbose_name="country",
                    ),
                ),
                (
                    "hour_from",
                    models.TimeField(blank=True, null=True, verbose_name="from (hour)"),
                ),
                (
                    "hour_until",
                    models.TimeField(
                        blank=True, null=True, verbose_name="until (hour)"
                    ),
                ),
                (
                    "lets_through",
                    models.BooleanField(
                        default=False,
                        help_text="An exception: what fits it is not barred by a wider rule.",
                        verbose_name="lets calls through",
                    ),
                ),
                (
                    "is_forced",
                    models.BooleanField(
                        default=False,
                        help_text="Provider's rules only.",
                        verbose_name="customers cannot lift it",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(default=True, verbose_name="is in force"),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="barrings",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "barred destination",
                "verbose_name_plural": "barred destinations",
                "ordering": ["organisation_id", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("hour_from", None), ("hour_until", None)),
                            models.Q(
                                ("hour_from__isnull", False),
                                ("hour_until__isnull", False),
                                models.Q(
                                    ("hour_from", models.F("hour_until")), _negated=True
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="barring_hours_in_pairs",
                        violation_error_code="barring_hours_in_pairs",
                        violation_error_message="Give two different hours, or none.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_forced", False),
                            ("organisation", None),
                            _connector="OR",
                        ),
                        name="barring_forced_by_provider",
                        violation_error_code="barring_forced_by_provider",
                        violation_error_message="Only a rule of the provider is forced.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallLimits",
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
                    "for_new",
                    models.BooleanField(
                        default=False, verbose_name="for the first 30 days"
                    ),
                ),
                (
                    "currency",
                    models.CharField(blank=True, max_length=3, verbose_name="currency"),
                ),
                (
                    "price_ceiling",
                    credits.models.fields.MicrosField(
                        blank=True, null=True, verbose_name="dearest price per minute"
                    ),
                ),
                (
                    "daily_spend",
                    credits.models.fields.MicrosField(
                        blank=True, null=True, verbose_name="most in a day"
                    ),
                ),
                (
                    "call_cost",
                    credits.models.fields.MicrosField(
                        blank=True, null=True, verbose_name="most for one call"
                    ),
                ),
                (
                    "longest_call_seconds",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="longest call (s)"
                    ),
                ),
                (
                    "concurrent_calls",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="calls at once"
                    ),
                ),
                (
                    "organisation",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="call_limits",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "call limits",
                "verbose_name_plural": "call limits",
                "ordering": ["organisation_id", "for_new"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("organisation", None)),
                        fields=("for_new", "currency"),
                        name="one_limit_of_the_provider_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("for_new", False), ("organisation", None), _connector="OR"
                        ),
                        name="limits_for_new_by_provider",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeniedCall",
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
                ("source_id", models.BigIntegerField()),
                ("line_id", models.BigIntegerField(blank=True, null=True)),
                ("call_key", models.CharField(max_length=255)),
                ("kind", models.CharField(blank=True, max_length=25)),
                ("caller", models.CharField(blank=True, max_length=128)),
                ("callee", models.CharField(blank=True, max_length=128)),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="denied_calls",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "denied call",
                "verbose_name_plural": "denied calls",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["organisation", "asked_at"], name="denied_calls_in_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FactsVersion",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                (
                    "provider",
                    models.BigIntegerField(
                        db_default=1,
                        default=1,
                        help_text="Sources, keys, price lists, areas, rules.",
                    ),
                ),
                (
                    "numbers",
                    models.BigIntegerField(
                        db_default=1, default=1, help_text="Whose which number is."
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_facts_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LineMonth",
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
                    "month",
                    models.DateField(
                        help_text="The first of the month where the organisation is."
                    ),
                ),
                (
                    "spent",
                    credits.models.fields.MicrosField(
                        default=0, help_text="Beyond plan minutes."
                    ),
                ),
                ("reserved", credits.models.fields.MicrosField(default=0)),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="months",
                        to="calling.line",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="line_months",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "month of a line",
                "verbose_name_plural": "months of lines",
                "ordering": ["line_id", "-month"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "line", "month"),
                        name="one_month_per_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserved__gte", 0)),
                        name="line_month_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendingLimit",
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
                    "amount",
                    credits.models.fields.MicrosField(
                        help_text="In millionths.", verbose_name="amount a month"
                    ),
                ),
                (
                    "is_hard",
                    models.BooleanField(
                        default=True,
                        help_text="Otherwise it only warns.",
                        verbose_name="stops calls",
                    ),
                ),
                ("told_month", models.DateField(blank=True, editable=False, null=True)),
                (
                    "told_percent",
                    models.PositiveSmallIntegerField(default=0, editable=False),
                ),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spending_limit",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "spending limit",
                "verbose_name_plural": "spending limits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)),
                        name="spending_limit_positive",
                        violation_error_code="spending_limit_positive",
                        violation_error_message="A limit is more than nothing.",
                    )
                ],
            },
        ),
        Fences("0007_facts_versions"),
        Fences("0007_line_months"),
    ]
