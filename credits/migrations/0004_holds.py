"""Holds: what running calls have set aside (rule 9.4)."""

import credits.models.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_invoices_limits_states"),
        ("credits", "0003_extension_reminders"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hold",
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
                    "call_key",
                    models.CharField(
                        help_text="The source's short name and its name of the call.",
                        max_length=255,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("line_id", models.BigIntegerField(blank=True, null=True)),
                ("pool_id", models.BigIntegerField(blank=True, null=True)),
                ("line_month_id", models.BigIntegerField(blank=True, null=True)),
                ("kind", models.CharField(max_length=25)),
                ("caller", models.CharField(blank=True, max_length=128)),
                ("callee", models.CharField(blank=True, max_length=128)),
                (
                    "amount",
                    credits.models.fields.MicrosField(
                        default=0, help_text="Money set aside, in millionths."
                    ),
                ),
                ("pool_seconds", models.PositiveIntegerField(default=0)),
                (
                    "granted_seconds",
                    models.PositiveIntegerField(
                        help_text="In all, counted from the answer."
                    ),
                ),
                (
                    "sequence",
                    models.PositiveIntegerField(
                        default=1, help_text="Rises by one with each extension."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Call in progress"),
                            ("settled", "Charged from its record"),
                            ("released", "Released"),
                            ("lapsed", "Ended without a record"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("answer", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("deadline_at", models.DateTimeField(verbose_name="ends by itself at")),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="closed at"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "ordering": ["-id"],
                "permissions": [("release_hold", "Can release a stuck hold")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["deadline_at", "organisation"],
                        name="holds_that_end",
                    ),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["organisation", "opened_at"],
                        name="holds_of_live_calls",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "call_key"), name="one_hold_per_call"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)),
                        name="hold_amount_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                ("closed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="hold_closed_when_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deadline_at__gt", models.F("opened_at"))),
                        name="hold_ends_later",
                    ),
                ],
            },
        ),
    ]
