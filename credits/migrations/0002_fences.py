"""Only ledger entries move money: triggers, as docs/decisions/0002 says."""

from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_wallet_lots_ledger")]

    operations = [Fences("0002_fences")]
