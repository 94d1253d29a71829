"""The lookup `among`: one of many values, given as a single parameter.

Django's `in` writes a placeholder for each value, and a batch asks for ten thousand.
Give a set: Django looks into every element of a list.
"""

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
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
        if not value:  # among nothing: there is nothing to ask, as with Django's `in`
            raise EmptyResultSet
        if connection.vendor == "postgresql":
            return _array(value)
        return "IN (SELECT value FROM json_each(%s))", (json.dumps(value),)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} {right}", (*left_params, *right_params)


def _array(values: Collection[Any]) -> tuple[str, tuple[Any, ...]]:
    """An array in one text, which is far faster than the driver's, value by value."""
    if all(isinstance(value, int) for value in values):
        return "= ANY(%s::bigint[])", (f"{{{','.join(map(str, values))}}}",)
    text = '"' + '","'.join(values) + '"'
    if "\\" in text or text.count('"') != 2 * len(values):
        return "= ANY(%s)", (list(values),)
    return "= ANY(%s::text[])", (f"{{{text}}}",)
