from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    """Recharges and announced transfers keep rule 2.1; payment keys and consent stay."""

    dependencies = [("billing", "0003_recharges_reversals_transfers")]

    operations = [Fences("0004_fences")]
