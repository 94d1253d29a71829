"""Tax and terms of payment, late organisations, keys by address, more notices."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_organisation_closed"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="organisation",
            options={
                "ordering": ["name"],
                "permissions": [
                    (
                        "change_billing_mode",
                        "Can move organisations between billing modes",
                    )
                ],
                "verbose_name": "organisation",
                "verbose_name_plural": "organisations",
            },
        ),
        migrations.RemoveConstraint(
            model_name="noticeoptout",
            name="opt_out_of_optional_kinds",
        ),
        migrations.AddField(
            model_name="apikey",
            name="allowed_ips",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="IP addresses or networks; none means everywhere.",
                verbose_name="allowed addresses",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="descends_from",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.apikey",
            ),
        ),
        migrations.AddField(
            model_name="historicalorganisation",
            name="address",
            field=models.TextField(
                blank=True, max_length=300, verbose_name="address"
            ),
        ),
        migrations.AddField(
            model_name="historicalorganisation",
            name="restricted_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="restricted at"
            ),
        ),
        migrations.AddField(
            model_name="historicalorganisation",
            name="suspended_because",
            field=models.CharField(
                blank=True,
                choices=[
                    ("dunning", "An invoice was not paid"),
                    ("fraud", "Suspected fraud"),
                    ("request", "At the customer's request"),
                ],
                max_length=10,
                verbose_name="suspended because",
            ),
        ),
        migrations.AddField(
            model_name="historicalprovidersettings",
            name="days_to_pay",
            field=models.PositiveSmallIntegerField(
                default=14, verbose_name="invoices are due after (days)"
            ),
        ),
        migrations.AddField(
            model_name="historicalprovidersettings",
            name="issues_uniform_invoices",
            field=models.BooleanField(
                default=False, verbose_name="issues uniform invoices (Taiwan)"
            ),
        ),
        migrations.AddField(
            model_name="historicalprovidersettings",
            name="restrict_after_days",
            field=models.PositiveSmallIntegerField(
                default=7, verbose_name="late: paid calls stop after (days)"
            ),
        ),
        migrations.AddField(
            model_name="historicalprovidersettings",
            name="suspend_after_days",
            field=models.PositiveSmallIntegerField(
                default=14, verbose_name="late: the service stops after (days)"
            ),
        ),
        migrations.AddField(
            model_name="historicalprovidersettings",
            name="tax_policy",
            field=models.CharField(
                choices=[
                    ("none", "No tax is added"),
                    ("by_country", "Tax by the customer's country"),
                ],
                default="none",
                max_length=10,
                verbose_name="tax",
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="address",
            field=models.TextField(
                blank=True, max_length=300, verbose_name="address"
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="restricted_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="restricted at"
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="suspended_because",
            field=models.CharField(
                blank=True,
                choices=[
                    ("dunning", "An invoice was not paid"),
                    ("fraud", "Suspected fraud"),
                    ("request", "At the customer's request"),
                ],
                max_length=10,
                verbose_name="suspended because",
            ),
        ),
        migrations.AddField(
            model_name="providersettings",
            name="days_to_pay",
            field=models.PositiveSmallIntegerField(
                default=14, verbose_name="invoices are due after (days)"
            ),
        ),
        migrations.AddField(
            model_name="providersettings",
            name="issues_uniform_invoices",
            field=models.BooleanField(
                default=False, verbose_name="issues uniform invoices (Taiwan)"
            ),
        ),
        migrations.AddField(
            model_name="providersettings",
            name="restrict_after_days",
            field=models.PositiveSmallIntegerField(
                default=7, verbose_name="late: paid calls stop after (days)"
            ),
        ),
        migrations.AddField(
            model_name="providersettings",
            name="suspend_after_days",
            field=models.PositiveSmallIntegerField(
                default=14, verbose_name="late: the service stops after (days)"
            ),
        ),
        migrations.AddField(
            model_name="providersettings",
            name="tax_policy",
            field=models.CharField(
                choices=[
                    ("none", "No tax is added"),
                    ("by_country", "Tax by the customer's country"),
                ],
                default="none",
                max_length=10,
                verbose_name="tax",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("top_up_failed", "Payment failed"),
                    ("recharge_declined", "Auto-recharge: card declined"),
                    ("recharge_paused", "Auto-recharge paused"),
                    ("recharge_recovered", "Auto-recharge works again"),
                    ("recharge_action_required", "Auto-recharge: approval needed"),
                    ("recharge_capped", "Auto-recharge: limit reached"),
                    ("low_balance", "Available balance low"),
                    ("balance_zero", "Balance used up"),
                    ("balance_below_zero", "Balance below zero"),
                    ("credits_expiring", "Credits expire soon"),
                    ("credits_expired", "Credits expired"),
                    ("refund_done", "Refund"),
                    ("refund_failed", "Refund failed"),
                    ("dispute_opened", "Payment disputed"),
                    ("dispute_closed", "Dispute ended"),
                    ("card_expiring", "Card expires soon"),
                    ("transfer_announced", "Bank transfer announced"),
                    ("transfer_received", "Bank transfer received"),
                    ("staff_action", "Done by the provider"),
                    ("organisation_closed", "Organisation closed"),
                    ("pool_low", "Plan minutes low"),
                    ("pool_used", "Plan minutes used up"),
                    ("line_limit_near", "Line near its monthly limit"),
                    ("line_limit_reached", "Line at its monthly limit"),
                    ("rates_change", "Rates change"),
                    ("moved_to_nce", "Moved to billing after use"),
                    ("back_to_prepaid", "Back to prepaid credits"),
                    ("spending_limit_near", "Spending limit near"),
                    ("spending_limit_reached", "Spending limit reached"),
                    ("invoice_issued", "Invoice"),
                    ("invoice_due", "Invoice due"),
                    ("invoice_late", "Invoice late"),
                    ("invoice_paid", "Invoice paid"),
                    ("credit_note", "Credit note"),
                    ("service_restricted", "Paid calls stopped"),
                    ("service_suspended", "Service paused"),
                    ("service_resumed", "Service resumed"),
                    ("statement_ready", "Monthly statement"),
                    ("call_limit_reached", "Limit of calls reached"),
                    ("usage_export", "List of calls"),
                    ("webhook_disabled", "Webhook endpoint switched off"),
                ],
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="noticeepisode",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("top_up_failed", "Payment failed"),
                    ("recharge_declined", "Auto-recharge: card declined"),
                    ("recharge_paused", "Auto-recharge paused"),
                    ("recharge_recovered", "Auto-recharge works again"),
                    ("recharge_action_required", "Auto-recharge: approval needed"),
                    ("recharge_capped", "Auto-recharge: limit reached"),
                    ("low_balance", "Available balance low"),
                    ("balance_zero", "Balance used up"),
                    ("balance_below_zero", "Balance below zero"),
                    ("credits_expiring", "Credits expire soon"),
                    ("credits_expired", "Credits expired"),
                    ("refund_done", "Refund"),
                    ("refund_failed", "Refund failed"),
                    ("dispute_opened", "Payment disputed"),
                    ("dispute_closed", "Dispute ended"),
                    ("card_expiring", "Card expires soon"),
                    ("transfer_announced", "Bank transfer announced"),
                    ("transfer_received", "Bank transfer received"),
                    ("staff_action", "Done by the provider"),
                    ("organisation_closed", "Organisation closed"),
                    ("pool_low", "Plan minutes low"),
                    ("pool_used", "Plan minutes used up"),
                    ("line_limit_near", "Line near its monthly limit"),
                    ("line_limit_reached", "Line at its monthly limit"),
                    ("rates_change", "Rates change"),
                    ("moved_to_nce", "Moved to billing after use"),
                    ("back_to_prepaid", "Back to prepaid credits"),
                    ("spending_limit_near", "Spending limit near"),
                    ("spending_limit_reached", "Spending limit reached"),
                    ("invoice_issued", "Invoice"),
                    ("invoice_due", "Invoice due"),
                    ("invoice_late", "Invoice late"),
                    ("invoice_paid", "Invoice paid"),
                    ("credit_note", "Credit note"),
                    ("service_restricted", "Paid calls stopped"),
                    ("service_suspended", "Service paused"),
                    ("service_resumed", "Service resumed"),
                    ("statement_ready", "Monthly statement"),
                    ("call_limit_reached", "Limit of calls reached"),
                    ("usage_export", "List of calls"),
                    ("webhook_disabled", "Webhook endpoint switched off"),
                ],
                max_length=40,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="noticeoptout",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("top_up_failed", "Payment failed"),
                    ("recharge_declined", "Auto-recharge: card declined"),
                    ("recharge_paused", "Auto-recharge paused"),
                    ("recharge_recovered", "Auto-recharge works again"),
                    ("recharge_action_required", "Auto-recharge: approval needed"),
                    ("recharge_capped", "Auto-recharge: limit reached"),
                    ("low_balance", "Available balance low"),
                    ("balance_zero", "Balance used up"),
                    ("balance_below_zero", "Balance below zero"),
                    ("credits_expiring", "Credits expire soon"),
                    ("credits_expired", "Credits expired"),
                    ("refund_done", "Refund"),
                    ("refund_failed", "Refund failed"),
                    ("dispute_opened", "Payment disputed"),
                    ("dispute_closed", "Dispute ended"),
                    ("card_expiring", "Card expires soon"),
                    ("transfer_announced", "Bank transfer announced"),
                    ("transfer_received", "Bank transfer received"),
                    ("staff_action", "Done by the provider"),
                    ("organisation_closed", "Organisation closed"),
                    ("pool_low", "Plan minutes low"),
                    ("pool_used", "Plan minutes used up"),
                    ("line_limit_near", "Line near its monthly limit"),
                    ("line_limit_reached", "Line at its monthly limit"),
                    ("rates_change", "Rates change"),
                    ("moved_to_nce", "Moved to billing after use"),
                    ("back_to_prepaid", "Back to prepaid credits"),
                    ("spending_limit_near", "Spending limit near"),
                    ("spending_limit_reached", "Spending limit reached"),
                    ("invoice_issued", "Invoice"),
                    ("invoice_due", "Invoice due"),
                    ("invoice_late", "Invoice late"),
                    ("invoice_paid", "Invoice paid"),
                    ("credit_note", "Credit note"),
                    ("service_restricted", "Paid calls stopped"),
                    ("service_suspended", "Service paused"),
                    ("service_resumed", "Service resumed"),
                    ("statement_ready", "Monthly statement"),
                    ("call_limit_reached", "Limit of calls reached"),
                    ("usage_export", "List of calls"),
                    ("webhook_disabled", "Webhook endpoint switched off"),
                ],
                max_length=40,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeoptout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "card_expiring",
                            "line_limit_near",
                            "line_limit_reached",
                            "low_balance",
                            "pool_low",
                            "pool_used",
                            "statement_ready",
                        ],
                    )
                ),
                name="opt_out_of_optional_kinds",
                violation_error_code="opt_out_of_optional_kinds",
                violation_error_message="Messages about payments and about what you agreed to are always sent.",
            ),
        ),
    ]
