"""Kinds of notice about payments, expiry, refunds, disputes, cards and webhooks."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_job_run'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('receipt', 'Receipt'), ('top_up_failed', 'Payment failed'), ('recharge_declined', 'Auto-recharge: card declined'), ('recharge_paused', 'Auto-recharge paused'), ('recharge_recovered', 'Auto-recharge works again'), ('recharge_action_required', 'Auto-recharge: approval needed'), ('recharge_capped', 'Auto-recharge: limit reached'), ('low_balance', 'Available balance low'), ('balance_zero', 'Balance used up'), ('balance_below_zero', 'Balance below zero'), ('credits_expiring', 'Credits expire soon'), ('credits_expired', 'Credits expired'), ('refund_done', 'Refund'), ('refund_failed', 'Refund failed'), ('dispute_opened', 'Payment disputed'), ('dispute_closed', 'Dispute ended'), ('card_expiring', 'Card expires soon'), ('transfer_announced', 'Bank transfer announced'), ('transfer_received', 'Bank transfer received'), ('staff_action', 'Done by the provider'), ('organisation_closed', 'Organisation closed'), ('pool_low', 'Plan minutes low'), ('pool_used', 'Plan minutes used up'), ('line_limit_near', 'Line near its monthly limit'), ('line_limit_reached', 'Line at its monthly limit'), ('rates_change', 'Rates change'), ('usage_export', 'List of calls'), ('webhook_disabled', 'Webhook endpoint switched off')], max_length=40),
        ),
    ]
