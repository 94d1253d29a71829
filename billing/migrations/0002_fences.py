from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    """NCE cannot buy, sales stay as they were made, sold lots name their sale."""

    dependencies = [
        ("billing", "0001_sales_terms_inbox"),
        ("credits", "0002_fences"),
        ("accounts", "0010_organisation_closed"),
    ]

    operations = [Fences("0002_fences")]
