from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import migrations, models

from accounts.fences import Fences


def create_cache_table(apps: Any, schema_editor: Any) -> None:
    # The rate limits count in it, so it must exist wherever the tables do.
    call_command(
        "createcachetable", database=schema_editor.connection.alias, verbosity=0
    )


def drop_cache_table(apps: Any, schema_editor: Any) -> None:
    table = schema_editor.quote_name(settings.CACHES["default"]["LOCATION"])
    schema_editor.execute(f"DROP TABLE IF EXISTS {table}", None)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_people_keys_desk'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='apikey',
            options={'ordering': ['name'], 'permissions': [('manage_keys', 'Can issue and revoke API keys')], 'verbose_name': 'API key', 'verbose_name_plural': 'API keys'},
        ),
        migrations.AddField(
            model_name='user',
            name='session_epoch',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        Fences('0002_audit_is_append_only'),
        migrations.RunPython(create_cache_table, drop_cache_table),
    ]
