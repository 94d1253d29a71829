"""Pages of a list in the API: `?limit=100&cursor=…` → `data` and `next_cursor`.

A list is read newest first, by one or two columns that no two rows share. The cursor
says after which row the next page begins, so rows that arrive meanwhile neither repeat
nor hide others. It is opaque: clients give it back as they got it.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from ninja import Query
from pydantic import Field

from accounts.refusals import TollgateError

LIMIT = 100
LARGEST_LIMIT = 500
LONGEST = 200
BIGGEST = 2**63 - 1

# What an operation that lists takes: `limit: Limit = LIMIT, cursor: Cursor = ""`.
Limit = Annotated[
    int,
    Query(description="Rows of a page."),
    Field(ge=1, le=LARGEST_LIMIT),
]
Cursor = Annotated[
    str,
    Query(description="The `next_cursor` of the page before; opaque."),
    Field(max_length=LONGEST),
]
Row = TypeVar("Row", bound=Model)


class CursorNotValid(TollgateError):
    """The cursor is not one we gave out, or one of another list."""

    code = "cursor_not_valid"
    sentence = _("The cursor is not one of this list. Begin again without it.")
    status = 422


def read_page(
    rows: "QuerySet[Row]", by: Sequence[str], *, limit: int, cursor: str
) -> tuple[list[Row], str | None]:
    """One page, newest first, and the cursor of the next, None on the last.

    `by` names one or two columns that order the rows, the last one unique: times and
    whole numbers only. One statement. Raises CursorNotValid.
    """
    ordered = rows.order_by(*(f"-{name}" for name in by))
    if cursor:
        ordered = ordered.filter(_before(by, _places(cursor, by)))
    page = list(ordered[: limit + 1])
    if len(page) <= limit:
        return page, None
    last = page[limit - 1]
    return page[:limit], _cursor([_value(last, name) for name in by])


def _before(by: Sequence[str], places: Sequence[Any]) -> Q:
    found = Q(**{f"{by[0]}__lt": places[0]})
    if len(by) == 1:
        return found
    # The first half lets an index on the first column be walked from there.
    same = Q(**{by[0]: places[0], f"{by[1]}__lt": places[1]})
    return Q(**{f"{by[0]}__lte": places[0]}) & (found | same)


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    return value


def _cursor(places: Sequence[Any]) -> str:
    said = [one.isoformat() if isinstance(one, datetime) else one for one in places]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _places(cursor: str, by: Sequence[str]) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        said = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return [_place(one, name) for one, name in zip(said, by, strict=True)]
    except (binascii.Error, TypeError, ValueError, RecursionError):
        raise CursorNotValid from None


def _place(said: Any, name: str) -> Any:
    """A column whose name ends in `_at` is a time, every other a whole number."""
    if name.endswith("_at"):
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
        if at is None or at.tzinfo is None or not 2000 <= at.year < 2200:
            raise ValueError(said)
        return at
    if type(said) is not int or not 0 <= said <= BIGGEST:
        raise ValueError(said)
    return said
