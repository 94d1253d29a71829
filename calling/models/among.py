"""The lookup `among`: one of many values, given as a single parameter.

Django's `in` writes a placeholder for each value; a batch asks for ten thousand.
"""

import json
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignKey, Lookup
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup  # generic for the type checker alone


# A foreign key does not inherit the lookups of ordinary fields.
@ForeignKey.register_lookup
@Field.register_lookup
class Among(AnyLookup):
    lookup_name = "among"

    def get_prep_lookup(self) -> list[Any]:
        return list(self.rhs)

    def get_db_prep_lookup(
        self, value: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        if connection.vendor == "postgresql":
            return "= ANY(%s)", (value,)
        return "IN (SELECT value FROM json_each(%s))", (json.dumps(value),)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} {right}", (*left_params, *right_params)
