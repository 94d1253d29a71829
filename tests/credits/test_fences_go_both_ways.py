"""The fences' SQL goes back and forward again, on both engines (rule 3.3)."""

from pathlib import Path
from typing import Any, cast

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from accounts.fences import Fences, absent_fences, fence_names
from accounts.refusals import fence_code
from credits.models import LedgerEntry
from tests.makers import make_lot, make_organisation

# The highest first: its fences may use what those below it have made.
APPS = ("billing", "calling", "credits", "accounts")


class Editor:
    """A schema editor that runs what it is given, inside the test's transaction."""

    connection = connection

    def execute(self, sql: str, params: None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def operations(app: str) -> list[Fences]:
    folder = Path(apps.get_app_config(app).path) / "migrations" / "sql"
    files = sorted(folder.glob(f"*.{connection.vendor}.forward.sql"))
    return [Fences(file.name.split(".")[0], str(folder)) for file in files]


def arguments(app: str) -> tuple[str, BaseDatabaseSchemaEditor, Any, Any]:
    nowhere = ProjectState()
    return app, cast("BaseDatabaseSchemaEditor", Editor()), nowhere, nowhere


@pytest.mark.django_db
def test_fences_go_back_and_come_again() -> None:
    for app in APPS:
        for operation in reversed(operations(app)):
            operation.database_backwards(*arguments(app))
        assert absent_fences(app) == sorted(fence_names(app)) != []
    for app in reversed(APPS):
        for operation in operations(app):
            operation.database_forwards(*arguments(app))
        assert absent_fences(app) == []
    make_lot(make_organisation(), "1")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        LedgerEntry.objects.all().delete()
    assert fence_code(refused.value) == "entry_append_only"
