"""A migration operation that runs a sibling SQL file, forward and back, per engine.

`Fences("0002_x")` in a migration reads `sql/0002_x.<vendor>.forward.sql` beside it.
SQLite statements are split here, since its `executescript` would commit.
"""

import inspect
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_TRIGGER = re.compile(
    r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+)|^DROP TRIGGER (?:IF EXISTS )?(\w+)", re.M
)


class Fences(Operation):
    """Creates database triggers on the way forward and drops them on the way back."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, name: str, folder: str | None = None) -> None:
        self.name = name
        here = Path(inspect.stack()[1].filename).parent
        self.folder = Path(folder) if folder else here / "sql"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are not part of Django's picture of the schema."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run("forward", schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run("reverse", schema_editor)

    def describe(self) -> str:
        return f"Database fences {self.name}"

    def _run(self, way: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
        vendor = schema_editor.connection.vendor
        sql = (self.folder / f"{self.name}.{vendor}.{way}.sql").read_text("utf-8")
        statements = [sql] if vendor == "postgresql" else _statements(sql)
        for statement in statements:
            # No parameters: a % inside a trigger stays a %.
            schema_editor.execute(statement, None)


def _statements(sql: str) -> Iterator[str]:
    gathered = ""
    for line in sql.splitlines(keepends=True):
        gathered += line
        if gathered.strip() and sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""


def fence_names(app_label: str, vendor: str = "") -> set[str]:
    """The triggers that an app's SQL files create, and do not drop again.

    On the engine in use, unless another is named.
    """
    folder = Path(apps.get_app_config(app_label).path) / "migrations" / "sql"
    names: set[str] = set()
    for file in sorted(folder.glob(f"*.{vendor or connection.vendor}.forward.sql")):
        for made, dropped in _TRIGGER.findall(file.read_text("utf-8")):
            names.discard(dropped)
            names |= {made} - {""}
    return names


def absent_fences(app_label: str) -> list[str]:
    """Fences of an app that the database does not have, or has switched off."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        present = {row[0] for row in cursor.fetchall()}
    return sorted(fence_names(app_label) - present)
