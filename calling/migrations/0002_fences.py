from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):

    dependencies = [("calling", "0001_plans_lines_rates_calls")]

    operations = [Fences("0002_fences")]
