"""Work that is carried on while the database is busy."""

from collections.abc import Iterator

import pytest
from django.db import connection

from accounts.models import Organisation
from credits.meanwhile import Ahead, meanwhile

pytestmark = pytest.mark.django_db


def slices(worked: list[int], count: int) -> Iterator[str | None]:
    for number in range(count):
        worked.append(number)
        yield None if number % 2 else f"made {number}"


def test_what_is_made_comes_in_its_order_however_far_ahead() -> None:
    worked: list[int] = []
    ahead = Ahead(slices(worked, 6))
    assert ahead.step()
    assert ahead.step()
    assert list(ahead) == ["made 0", "made 2", "made 4"]
    assert worked == [0, 1, 2, 3, 4, 5]
    assert not ahead.step()


def test_waiting_for_postgresql_is_time_to_work() -> None:
    worked: list[int] = []
    ahead = Ahead(slices(worked, 4))
    with meanwhile(ahead), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_sleep(0.02)")
        else:
            cursor.execute("SELECT 1")
    assert len(worked) == (4 if connection.vendor == "postgresql" else 0)
    assert list(ahead) == ["made 0", "made 2"]


def test_inner_work_comes_first_and_the_outer_goes_on() -> None:
    worked: list[int] = []
    inner: list[int] = []
    outer = Ahead(slices(worked, 2))
    with meanwhile(outer):
        with meanwhile(Ahead(slices(inner, 3))), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 2")
            assert cursor.fetchone() == (2,)
    assert not worked or len(inner) == 3
    assert list(outer) == ["made 0"]


def test_a_failure_is_raised_where_its_value_is_taken() -> None:
    def failing() -> Iterator[str]:
        yield "made"
        raise ValueError("no more")

    ahead = Ahead(failing())
    while ahead.step():
        pass
    taken = iter(ahead)
    assert next(taken) == "made"
    with pytest.raises(ValueError, match="no more"):
        next(taken)


def test_a_slice_cannot_query() -> None:
    def asking() -> Iterator[str]:
        yield str(Organisation.objects.count())

    with pytest.raises(RuntimeError, match="must not query"):
        list(Ahead(asking()))
