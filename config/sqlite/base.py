"""SQLite, whose writers in one process take turns instead of polling for its lock.

SQLite has one writer. Who waits for it sleeps and looks again, up to a tenth of a
second at a time, so threads that write often leave the lock idle between them; with a
turn the next goes on at once (docs/decisions/0014). Other processes still meet at
SQLite's own lock, and so does a thread that waited for its turn as long as there.
"""

from threading import Lock
from typing import Any

from django.db.backends.sqlite3 import base

_TURNS: dict[str, Lock] = {}
BUSY_SECONDS = 20


class DatabaseWrapper(base.DatabaseWrapper):
    """Holds the turn from BEGIN until the transaction ends, whichever way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        wait = self.settings_dict["OPTIONS"].get("timeout", BUSY_SECONDS)
        self._has_turn = self._turn.acquire(timeout=wait)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs lack it
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    @property
    def _turn(self) -> Lock:
        return _TURNS.setdefault(str(self.settings_dict["NAME"]), Lock())

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turn.release()
