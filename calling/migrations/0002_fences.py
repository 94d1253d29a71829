"""Charges, raw records and rates are kept; modes, numbers and owners agree."""

from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [
        ("calling", "0001_plans_lines_rates_calls"),
        ("credits", "0002_fences"),  # fence_refuse()
    ]

    operations = [Fences("0002_fences")]
