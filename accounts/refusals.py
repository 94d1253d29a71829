"""How Tollgate says no: a code, a sentence, the same at every door.

A verb raises a `TollgateError`; a database fence raises `IntegrityError`, which
`fence_code` reads the name of, on both engines.
"""

import re
from typing import ClassVar

from django.apps import apps
from django.db import DatabaseError
from django.db.models import UniqueConstraint
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class TollgateError(Exception):
    """Base of every refusal that a caller can act on."""

    code: ClassVar[str] = "refused"
    sentence: ClassVar[str | Promise] = _("This is not possible.")
    status: ClassVar[int] = 409

    def __init__(self, sentence: str | Promise | None = None, **facts: object) -> None:
        super().__init__(sentence or self.sentence)
        self.facts = facts

    def __str__(self) -> str:
        return str(self.args[0]) % self.facts if self.facts else str(self.args[0])


def fence_code(error: DatabaseError) -> str:
    """The code of the constraint or trigger that refused, or '' if none is known.

    A constraint that several tables share is named `<code>__<table>`.
    """
    return _fence_name(error).split("__")[0]


def _fence_name(error: DatabaseError) -> str:
    cause = error.__cause__ or error
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None and diagnosis.constraint_name:
        return str(diagnosis.constraint_name)
    named = re.search(r"constraint failed: (?:index ')?([a-z0-9_]+)'?$", str(cause))
    if named:
        return named.group(1)
    unique = re.search(r"UNIQUE constraint failed: ([\w., ]+)$", str(cause))
    if unique:
        return _unique_name(unique.group(1).split(", "))
    return str(cause) if re.fullmatch(r"[a-z0-9_]+", str(cause)) else ""


def _unique_name(columns: list[str]) -> str:
    """SQLite names the columns of a unique constraint; the models know its name."""
    table = columns[0].split(".")[0]
    names = {column.split(".")[1] for column in columns}
    models = [model for model in apps.get_models() if model._meta.db_table == table]
    for model in models:
        for constraint in model._meta.constraints:
            if not isinstance(constraint, UniqueConstraint):
                continue
            fields = map(model._meta.get_field, constraint.fields)
            if {getattr(field, "column", "") for field in fields} == names:
                return constraint.name
    return ""
