"""The fences of lots and wallets cost less; what they refuse stays as it was."""

from django.db import migrations

from accounts.fences import Fences


class Migration(migrations.Migration):
    dependencies = [("credits", "0004_holds")]

    operations = [Fences("0005_fences")]
