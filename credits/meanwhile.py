"""Computes what comes next while PostgreSQL works on what it was given.

Sending a statement and waiting for its answer leaves this side idle. Work that is cut
into slices (a generator; each step takes a millisecond or less) is carried on in these
waits, on the same thread and in its own order; what is wanted before the waits have
done it is done on demand. A slice must not query: the connection is busy.
"""

import select
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Generic, NoReturn, TypeVar

from django.db import connection

Made = TypeVar("Made")
_EVENTS = {1: select.POLLIN, 2: select.POLLOUT, 3: select.POLLIN | select.POLLOUT}
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Ahead(Generic[Made]):
    """An iterator whose next values may be made ahead of time, slice by slice.

    `slices` yields what it has made, or None after a slice that made nothing yet.
    """

    def __init__(self, slices: Iterator[Made | None]) -> None:
        self._slices = slices
        self._made: list[Made] = []
        self._failed: Exception | None = None
        self._has_ended = False

    def __iter__(self) -> Iterator[Made]:
        given = 0
        while True:
            while given == len(self._made) and self.step():
                pass
            if given == len(self._made):
                break
            yield self._made[given]
            given += 1
            if given == len(self._made):
                self._made.clear()
                given = 0
        if self._failed is not None:
            raise self._failed

    def step(self) -> bool:
        """Works one slice; False when there is none left.

        What a slice raises is raised where its values are taken: here the database is
        in the middle of a statement.
        """
        if self._has_ended:
            return False
        try:
            with connection.execute_wrapper(_refuse_to_query):
                made = next(self._slices, self)
        except Exception as problem:  # noqa: BLE001  # raised again by __iter__
            self._failed = problem
            made = self
        if made is self:
            self._has_ended = True
            return False
        if made is not None:
            self._made.append(made)  # type: ignore[arg-type]
        return True


def _refuse_to_query(*_: Any) -> NoReturn:
    raise RuntimeError("Work that is done while the database is busy must not query.")


def can_work_meanwhile() -> bool:
    """Whether this database is waited for; SQLite works in our own process."""
    return connection.vendor == "postgresql"


@contextmanager
def meanwhile(work: Ahead[Any]) -> Iterator[None]:
    """Inside the block, waits for PostgreSQL carry on the work.

    Blocks may be nested; the inner work comes first. On SQLite nothing is waited for.
    """
    if not can_work_meanwhile():
        yield
        return
    connection.ensure_connection()
    driver = connection.connection
    wait, outer = driver.wait, vars(driver).get("wait")
    poll, socket = select.poll(), driver.pgconn.socket
    poll.register(socket, 0)

    def wait_and_work(answer: Generator[int, Any, Any], *args: Any, **how: Any) -> Any:
        return wait(
            _working(answer, driver.pgconn.socket, poll, work.step), *args, **how
        )

    driver.wait = wait_and_work
    try:
        yield
    finally:
        if outer is None:
            del driver.wait
        else:
            driver.wait = outer


def _working(
    answer: Generator[int, Any, Any],
    socket: int,
    poll: "select.poll",
    step: Callable[[], bool],
) -> Generator[int, Any, Any]:
    """The driver's own generator, with a slice of work wherever it would wait."""
    try:
        wanted = next(answer)
        while True:
            poll.modify(socket, _EVENTS[wanted])
            events = poll.poll(0)
            while not events and step():
                events = poll.poll(0)
            ready = _ready(events[0][1]) if events else (yield wanted)
            wanted = answer.send(ready)
    except StopIteration as ended:
        return ended.value


def _ready(events: int) -> int:
    return bool(events & _READABLE) | (bool(events & select.POLLOUT) << 1)
