"""Files of calls in and out; what staff assign; feeds that fall silent."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_notice_usage_export"),
        ("calling", "0004_plan_versions_and_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="rawrecord",
            name="assigned_line",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="calling.line",
            ),
        ),
        migrations.AddField(
            model_name="rawrecord",
            name="assigned_to",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="Whose it is, as staff decided; stronger than what it says.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="expected_every",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="After so long without a call record staff get a task.",
                null=True,
                verbose_name="expected every (minutes)",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="heard_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="last heard"
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="owner_map",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="A trunk, tenant or account code of this source → an "
                "organisation's short name.",
                verbose_name="owners",
            ),
        ),
        migrations.CreateModel(
            name="UsageExport",
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
                ("query", models.JSONField(help_text="The filter of the usage page.")),
                ("requested_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("calls", models.PositiveIntegerField(default=0)),
                ("content", models.BinaryField(null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "usage export",
                "verbose_name_plural": "usage exports",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="CallUpload",
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
                ("format", models.CharField(max_length=20, verbose_name="format")),
                ("name", models.CharField(max_length=200, verbose_name="file name")),
                (
                    "checksum",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("^[0-9a-f]{64}$")
                        ],
                        verbose_name="checksum",
                    ),
                ),
                ("content", models.BinaryField(null=True)),
                ("result", models.BinaryField(null=True)),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
                (
                    "finished_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="finished at"
                    ),
                ),
                (
                    "stored",
                    models.PositiveIntegerField(default=0, verbose_name="stored"),
                ),
                (
                    "duplicates",
                    models.PositiveIntegerField(default=0, verbose_name="duplicates"),
                ),
                (
                    "corrections",
                    models.PositiveIntegerField(default=0, verbose_name="corrections"),
                ),
                (
                    "waiting",
                    models.PositiveIntegerField(default=0, verbose_name="waiting"),
                ),
                (
                    "skipped",
                    models.PositiveIntegerField(default=0, verbose_name="skipped legs"),
                ),
                (
                    "rejected",
                    models.PositiveIntegerField(default=0, verbose_name="rejected"),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only if all calls of the file are this "
                        "organisation's.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="calling.source",
                        verbose_name="source",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "file of calls",
                "verbose_name_plural": "files of calls",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "checksum"),
                        name="call_file_once",
                        violation_error_code="call_file_once",
                        violation_error_message="This file was imported before.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("content__isnull", False), ("finished_at", None)),
                            models.Q(
                                ("finished_at__isnull", False),
                                ("result__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="call_file_has_content_or_result",
                    ),
                ],
            },
        ),
    ]
