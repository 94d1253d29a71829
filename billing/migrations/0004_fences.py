from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    """Recharges and transfers keep rule 2.1; keys and consent stay; closed is closed."""

    dependencies = [
        ("billing", "0003_recharges_reversals_transfers"),
        ("accounts", "0010_organisation_closed"),
    ]

    operations = [Fences("0004_fences")]
