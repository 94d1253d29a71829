"""Episodes, opt-outs and balance alerts; webhook endpoints, events and deliveries."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_notices_about_payments'),
    ]

    operations = [
        migrations.CreateModel(
            name='Bookmark',
            fields=[
                ('name', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('position', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'bookmark',
                'verbose_name_plural': 'bookmarks',
            },
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('events', models.JSONField(default=list, help_text='Empty: every type of event.', verbose_name='events')),
                ('secret', models.TextField(editable=False)),
                ('old_secret', models.TextField(blank=True, editable=False)),
                ('old_secret_until', models.DateTimeField(blank=True, null=True, verbose_name='old secret valid until')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('failing_since', models.DateTimeField(blank=True, null=True, verbose_name='failing since')),
                ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused at')),
                ('disabled_at', models.DateTimeField(blank=True, null=True, verbose_name='switched off at')),
                ('disabled_code', models.CharField(blank=True, choices=[('failing', 'It failed for five days.'), ('gone', 'It answered that it no longer exists (410).')], max_length=10, verbose_name='switched off because')),
                ('deleted_at', models.DateTimeField(blank=True, null=True, verbose_name='deleted at')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='webhook_endpoints', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'webhook endpoint',
                'verbose_name_plural': 'webhook endpoints',
                'ordering': ['organisation_id', 'id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('type', models.CharField(max_length=60, verbose_name='type')),
                ('reference', models.CharField(help_text='What happened; one event each.', max_length=260)),
                ('data', models.JSONField()),
                ('created_at', models.DateTimeField(verbose_name='happened at')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'webhook event',
                'verbose_name_plural': 'webhook events',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('next_try_at', models.DateTimeField(blank=True, null=True, verbose_name='next try')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('tried_at', models.DateTimeField(blank=True, null=True, verbose_name='last try')),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='delivered at')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='answer')),
                ('error', models.CharField(blank=True, max_length=200, verbose_name='problem')),
                ('milliseconds', models.PositiveIntegerField(default=0, verbose_name='duration in ms')),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='accounts.webhookendpoint')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='accounts.webhookevent')),
            ],
            options={
                'verbose_name': 'webhook delivery',
                'verbose_name_plural': 'webhook deliveries',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='BalanceAlert',
            fields=[
                ('organisation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='balance_alert', serialize=False, to='accounts.organisation')),
                ('threshold', models.BigIntegerField(help_text='In millionths.', verbose_name='threshold')),
                ('changed_at', models.DateTimeField(verbose_name='changed at')),
                ('changed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'balance alert',
                'verbose_name_plural': 'balance alerts',
                'constraints': [models.CheckConstraint(condition=models.Q(('threshold__gte', 0)), name='balance_alert_not_negative', violation_error_code='balance_alert_not_negative', violation_error_message='The alert is at zero or above.')],
            },
        ),
        migrations.CreateModel(
            name='NoticeEpisode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('receipt', 'Receipt'), ('top_up_failed', 'Payment failed'), ('recharge_declined', 'Auto-recharge: card declined'), ('recharge_paused', 'Auto-recharge paused'), ('recharge_recovered', 'Auto-recharge works again'), ('recharge_action_required', 'Auto-recharge: approval needed'), ('recharge_capped', 'Auto-recharge: limit reached'), ('low_balance', 'Available balance low'), ('balance_zero', 'Balance used up'), ('balance_below_zero', 'Balance below zero'), ('credits_expiring', 'Credits expire soon'), ('credits_expired', 'Credits expired'), ('refund_done', 'Refund'), ('refund_failed', 'Refund failed'), ('dispute_opened', 'Payment disputed'), ('dispute_closed', 'Dispute ended'), ('card_expiring', 'Card expires soon'), ('transfer_announced', 'Bank transfer announced'), ('transfer_received', 'Bank transfer received'), ('staff_action', 'Done by the provider'), ('organisation_closed', 'Organisation closed'), ('pool_low', 'Plan minutes low'), ('pool_used', 'Plan minutes used up'), ('line_limit_near', 'Line near its monthly limit'), ('line_limit_reached', 'Line at its monthly limit'), ('rates_change', 'Rates change'), ('usage_export', 'List of calls'), ('webhook_disabled', 'Webhook endpoint switched off')], max_length=40, verbose_name='kind')),
                ('subject', models.CharField(blank=True, help_text='Empty: the organisation.', max_length=100, verbose_name='about')),
                ('threshold', models.BigIntegerField(blank=True, help_text='In millionths.', null=True, verbose_name='threshold')),
                ('opened_at', models.DateTimeField(verbose_name='opened at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notice_episodes', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'episode',
                'verbose_name_plural': 'episodes',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('organisation', 'kind', 'subject'), name='one_open_episode'), models.CheckConstraint(condition=models.Q(('closed_at', None), ('closed_at__gte', models.F('opened_at')), _connector='OR'), name='episode_closes_later', violation_error_code='episode_closes_later', violation_error_message='An episode ends after it began.')],
            },
        ),
        migrations.CreateModel(
            name='NoticeOptOut',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.EmailField(max_length=254, verbose_name='address')),
                ('kind', models.CharField(choices=[('receipt', 'Receipt'), ('top_up_failed', 'Payment failed'), ('recharge_declined', 'Auto-recharge: card declined'), ('recharge_paused', 'Auto-recharge paused'), ('recharge_recovered', 'Auto-recharge works again'), ('recharge_action_required', 'Auto-recharge: approval needed'), ('recharge_capped', 'Auto-recharge: limit reached'), ('low_balance', 'Available balance low'), ('balance_zero', 'Balance used up'), ('balance_below_zero', 'Balance below zero'), ('credits_expiring', 'Credits expire soon'), ('credits_expired', 'Credits expired'), ('refund_done', 'Refund'), ('refund_failed', 'Refund failed'), ('dispute_opened', 'Payment disputed'), ('dispute_closed', 'Dispute ended'), ('card_expiring', 'Card expires soon'), ('transfer_announced', 'Bank transfer announced'), ('transfer_received', 'Bank transfer received'), ('staff_action', 'Done by the provider'), ('organisation_closed', 'Organisation closed'), ('pool_low', 'Plan minutes low'), ('pool_used', 'Plan minutes used up'), ('line_limit_near', 'Line near its monthly limit'), ('line_limit_reached', 'Line at its monthly limit'), ('rates_change', 'Rates change'), ('usage_export', 'List of calls'), ('webhook_disabled', 'Webhook endpoint switched off')], max_length=40, verbose_name='kind')),
                ('opted_out_at', models.DateTimeField(verbose_name='since')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'notice that is not wanted',
                'verbose_name_plural': 'notices that are not wanted',
                'ordering': ['organisation_id', 'address', 'kind'],
                'constraints': [models.UniqueConstraint(fields=('organisation', 'address', 'kind'), name='one_opt_out_each'), models.CheckConstraint(condition=models.Q(('kind__in', ['card_expiring', 'line_limit_near', 'line_limit_reached', 'low_balance', 'pool_low', 'pool_used'])), name='opt_out_of_optional_kinds', violation_error_code='opt_out_of_optional_kinds', violation_error_message='Messages about payments and about what you agreed to are always sent.')],
            },
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at', None), ('disabled_code', '')), models.Q(('disabled_at__isnull', False), models.Q(('disabled_code', ''), _negated=True)), _connector='OR'), name='webhook_endpoint_off_for_a_reason', violation_error_code='webhook_endpoint_off_for_a_reason', violation_error_message='What is switched off says why.'),
        ),
        migrations.AddConstraint(
            model_name='webhookevent',
            constraint=models.UniqueConstraint(fields=('organisation', 'type', 'reference'), name='one_webhook_event_each'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at', 'id'], name='webhooks_to_deliver'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', '-id'], name='deliveries_of_endpoint'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('event', 'endpoint'), name='one_delivery_per_endpoint'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.CheckConstraint(condition=models.Q(('delivered_at', None), ('next_try_at', None), _connector='OR'), name='webhook_delivery_done_is_done', violation_error_code='webhook_delivery_done_is_done', violation_error_message='What was delivered is not tried again.'),
        ),
    ]
