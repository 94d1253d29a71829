"""Domestic areas and zone A as data; what customers are told of limits and rises."""

import django.core.validators
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# The demo catalogue's own: staff change them as they need (rules 1.5 and 6.3).
AREAS = {"US": "us-ca-pr", "CA": "us-ca-pr", "PR": "us-ca-pr"}
ZONE_A = (
    "AU AT BE BG BR CA CH CN CY CZ DE DK EE ES FI FR GB GR HK HR HU IE IN IT JP KR LU "
    "MT MX MY NL NO NZ PL PR PT RO RU SE SG SI SK TH TW US ZA"
).split()


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    country = apps.get_model("calling", "CallCountry")
    country.objects.bulk_create(
        [
            country(country=code, domestic_area=AREAS.get(code, ""), is_in_zone_a=True)
            for code in ZONE_A
        ]
    )


def tell_nobody_of_old_rates(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    versions = apps.get_model("calling", "RateCardVersion").objects.all()
    versions.update(told_at=models.F("imported_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("calling", "0005_files_and_assignments"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallCountry",
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
                        help_text="Two capital letters, such as US.",
                        max_length=2,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}$")
                        ],
                        verbose_name="country",
                    ),
                ),
                (
                    "domestic_area",
                    models.SlugField(
                        blank=True,
                        help_text="Calls between countries of one area are domestic; left empty, a country is domestic to itself alone.",
                        verbose_name="domestic area",
                    ),
                ),
                (
                    "is_in_zone_a",
                    models.BooleanField(
                        default=False,
                        help_text="Included conference minutes may dial out to it.",
                        verbose_name="is in zone A",
                    ),
                ),
            ],
            options={
                "verbose_name": "country of calls",
                "verbose_name_plural": "countries of calls",
                "ordering": ["country"],
            },
        ),
        migrations.AddField(
            model_name="line",
            name="told_month",
            field=models.DateField(
                editable=False, help_text="The month that the share is of.", null=True
            ),
        ),
        migrations.AddField(
            model_name="line",
            name="told_percent",
            field=models.PositiveSmallIntegerField(
                editable=False,
                help_text="Up to which share of its limit the customer was told.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="ratecard",
            name="notice_days",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="How long before a price rises its customers are told.",
                verbose_name="days of notice",
            ),
        ),
        migrations.AddField(
            model_name="ratecardversion",
            name="told_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its rises were looked for and whoever they concern told.",
                null=True,
                verbose_name="customers told",
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunPython(tell_nobody_of_old_rates, migrations.RunPython.noop),
    ]
