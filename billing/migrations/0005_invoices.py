"""Closed months, invoices, their lines and payments, tax, documents (rule 10)."""

import credits.models.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_invoices_limits_states"),
        ("billing", "0004_fences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
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
                            ("invoice", "Invoice"),
                            ("credit_note", "Credit note"),
                        ],
                        default="invoice",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "billing_mode",
                    models.CharField(
                        choices=[
                            ("PREPAID", "Prepaid credits"),
                            ("NCE", "New commerce experience (billed after use)"),
                        ],
                        max_length=7,
                        verbose_name="billing mode",
                    ),
                ),
                (
                    "month",
                    models.DateField(
                        blank=True,
                        help_text="The month that was closed.",
                        null=True,
                        verbose_name="month",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("issued", "Issued"),
                            ("late", "Late"),
                            ("paid", "Paid"),
                            ("void", "Void"),
                            ("written_off", "Written off"),
                        ],
                        default="draft",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "number",
                    models.CharField(blank=True, max_length=20, verbose_name="number"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "total_minor",
                    models.BigIntegerField(
                        help_text="In minor units.", verbose_name="total"
                    ),
                ),
                (
                    "tax_minor",
                    models.BigIntegerField(default=0, verbose_name="of it tax"),
                ),
                ("paid_minor", models.BigIntegerField(default=0, verbose_name="paid")),
                (
                    "credited_minor",
                    models.BigIntegerField(default=0, verbose_name="credited"),
                ),
                ("parties", models.JSONField(default=dict)),
                (
                    "purchase_order",
                    models.CharField(
                        blank=True, max_length=50, verbose_name="purchase order"
                    ),
                ),
                ("drafted_at", models.DateTimeField(verbose_name="drafted at")),
                (
                    "issued_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="issued at"
                    ),
                ),
                (
                    "due_on",
                    models.DateField(blank=True, null=True, verbose_name="due on"),
                ),
                (
                    "paid_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="paid at"),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="ended at"
                    ),
                ),
                (
                    "dunned",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="reminders"
                    ),
                ),
                ("stripe_invoice_id", models.CharField(blank=True, max_length=255)),
                (
                    "stripe_round",
                    models.PositiveSmallIntegerField(default=0, editable=False),
                ),
                (
                    "looked_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last asked Stripe"
                    ),
                ),
                (
                    "credits",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_notes",
                        to="billing.invoice",
                        verbose_name="takes back",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "invoice",
                "verbose_name_plural": "invoices",
                "ordering": ["-id"],
                "permissions": [
                    ("close_period", "Can close a month"),
                    ("issue_invoice", "Can issue, void and credit invoices"),
                    ("record_invoice_payment", "Can record a payment of an invoice"),
                    ("suspend_org", "Can suspend and resume an organisation"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedMonth",
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
                ("month", models.DateField(verbose_name="month")),
                ("up_to_charge", models.BigIntegerField(default=0)),
                ("fees_through", models.DateField(blank=True, null=True)),
                ("changes_until", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(verbose_name="closed at")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_months",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "invoice",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_month",
                        to="billing.invoice",
                    ),
                ),
            ],
            options={
                "verbose_name": "closed month",
                "verbose_name_plural": "closed months",
                "ordering": ["organisation_id", "-month"],
            },
        ),
        migrations.CreateModel(
            name="InvoiceLine",
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
                ("position", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("licence", "Licences, in advance"),
                            ("licence_change", "Licences, change within the month"),
                            ("usage", "Calls"),
                            ("late_usage", "Calls of an earlier month"),
                            ("debt", "Calls beyond the balance"),
                            ("goodwill", "Goodwill"),
                            ("tax", "Tax"),
                        ],
                        max_length=15,
                        verbose_name="kind",
                    ),
                ),
                ("facts", models.JSONField(default=dict)),
                (
                    "amount",
                    credits.models.fields.MicrosField(
                        help_text="In millionths.", verbose_name="exact amount"
                    ),
                ),
                (
                    "minor",
                    models.BigIntegerField(
                        help_text="In minor units.", verbose_name="amount"
                    ),
                ),
                (
                    "tax_percent",
                    models.DecimalField(
                        decimal_places=3,
                        default=0,
                        max_digits=6,
                        verbose_name="tax percent",
                    ),
                ),
                (
                    "credits",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credited_by",
                        to="billing.invoiceline",
                        verbose_name="takes back",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.invoice",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of an invoice",
                "verbose_name_plural": "lines of invoices",
                "ordering": ["invoice_id", "position"],
            },
        ),
        migrations.CreateModel(
            name="InvoicePayment",
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
                        choices=[("stripe", "Card"), ("transfer", "Bank transfer")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "amount_minor",
                    models.BigIntegerField(
                        help_text="In minor units.", verbose_name="amount"
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        error_messages={
                            "unique": "This reference was recorded before."
                        },
                        max_length=255,
                        unique=True,
                        verbose_name="reference",
                    ),
                ),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                ("note", models.TextField(blank=True, verbose_name="note")),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="billing.invoice",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "payment of an invoice",
                "verbose_name_plural": "payments of invoices",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="TaxRate",
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
                    "country",
                    models.CharField(
                        blank=True,
                        help_text="Empty: everywhere else.",
                        max_length=2,
                        verbose_name="country",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Such as VAT.", max_length=20, verbose_name="name"
                    ),
                ),
                (
                    "percent",
                    models.DecimalField(
                        decimal_places=3,
                        max_digits=6,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="percent",
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="from")),
            ],
            options={
                "verbose_name": "tax rate",
                "verbose_name_plural": "tax rates",
                "ordering": ["country", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("country", "valid_from"),
                        name="one_tax_rate_a_day",
                        violation_error_message="There is a rate from that day already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 0), ("percent__lte", 100)),
                        name="tax_rate_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Document",
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
                    "reference",
                    models.CharField(
                        help_text="invoice:7, receipt:R-2026-0001, statement:2026-11",
                        max_length=100,
                    ),
                ),
                ("language", models.CharField(max_length=10)),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                ("rendered_at", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "document",
                "verbose_name_plural": "documents",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "reference"),
                        name="document_rendered_once",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("state__in", ["issued", "late"])),
                fields=["due_on", "id"],
                name="invoices_owed",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("state", "draft")),
                fields=["drafted_at"],
                name="invoices_to_issue",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number", ""), _negated=True),
                fields=("number",),
                name="invoice_number_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_invoice_id", ""), _negated=True),
                fields=("stripe_invoice_id",),
                name="invoice_once_at_stripe",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("issued_at", None), ("number", ""), ("state", "draft")),
                    models.Q(
                        models.Q(("state", "draft"), _negated=True),
                        models.Q(("number", ""), _negated=True),
                        ("issued_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="invoice_numbered_when_issued",
                violation_error_code="invoice_numbered_when_issued",
                violation_error_message="An invoice has a number once it is issued.",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credits", None), ("kind", "invoice")),
                    models.Q(
                        ("credits__isnull", False),
                        ("kind", "credit_note"),
                        ("total_minor__lte", 0),
                    ),
                    _connector="OR",
                ),
                name="credit_note_names_invoice",
                violation_error_code="credit_note_names_invoice",
                violation_error_message="A credit note takes back an invoice.",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "paid"), _negated=True),
                    models.Q(
                        ("paid_at__isnull", False),
                        (
                            "paid_minor__gte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("total_minor"), "-", models.F("credited_minor")
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="invoice_paid_when_covered",
                violation_error_code="invoice_paid_when_covered",
                violation_error_message="A paid invoice is paid in full.",
            ),
        ),
        migrations.AddConstraint(
            model_name="closedmonth",
            constraint=models.UniqueConstraint(
                fields=("organisation", "month"), name="month_closed_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.UniqueConstraint(
                fields=("invoice", "position"), name="one_invoice_line_per_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("credits__isnull", False)),
                fields=("credits",),
                name="invoice_line_credited_once",
                violation_error_code="invoice_line_credited_once",
                violation_error_message="This line was taken back before.",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoicepayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", 0), _negated=True),
                name="invoice_payment_not_nothing",
            ),
        ),
        # Last: SQLite would drop the triggers of a table that is altered after them.
        Fences("0005_fences"),
    ]
