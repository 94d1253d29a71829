"""Runs a batch as one transaction, and finds the one record that spoils it.

A deadlock or a lost connection runs the whole batch again, never only its last part; so
does a change of what it had read before its locks. A batch that the database refuses is
run once more, since the other writer may have committed in between, and then in halves
until the bad record stands alone.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    transaction,
)

Item = TypeVar("Item")
Result = TypeVar("Result")
ATTEMPTS = 5


class Outdated(Exception):
    """What was read before the wallets were locked has changed (rule 3.10)."""


REFUSALS = (IntegrityError, DataError, OverflowError)


def run_unit(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], list[Result]],
    refused: Callable[[Item], Result],
) -> list[Result]:
    """The results in the order of the items, each committed with its part of them."""
    if not items:
        return []
    try:
        return _attempt(items, work)
    except REFUSALS:
        return _again_or_in_halves(items, work, refused)


def _again_or_in_halves(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], list[Result]],
    refused: Callable[[Item], Result],
) -> list[Result]:
    try:
        return _attempt(items, work)
    except REFUSALS:
        if len(items) == 1:
            return _attempt(items, lambda alone: [refused(alone[0])])
    middle = len(items) // 2
    return [
        *run_unit(items[:middle], work, refused),
        *run_unit(items[middle:], work, refused),
    ]


def _attempt(
    items: Sequence[Item], work: Callable[[Sequence[Item]], list[Result]]
) -> list[Result]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with no_collector(), transaction.atomic():
                return work(items)
        except Outdated:
            if attempt == ATTEMPTS:
                raise
        except OperationalError:
            # Inside somebody else's transaction there is nothing left to run again.
            if attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.05 * 2**attempt)
    raise AssertionError("The last attempt returns or raises.")


@contextmanager
def no_collector() -> Iterator[None]:
    """Pauses the search for cycles: a batch makes none, among a million objects.

    The search would take a fifth of the batch's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
