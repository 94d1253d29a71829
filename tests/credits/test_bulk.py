"""Bulk writing means the same on both engines."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.models import AuditEvent, StaffTask
from credits.bulk import ROWS_PER_INSERT, insert_rows, reserve_ids, update_rows
from tests.makers import START

COLUMNS = ("kind", "reference", "detail", "created_at", "done_at")
NASTY = [
    "plain",
    "",
    "tab\there",
    "line\nbreak\r\nand return\r",
    "back\\slash \\N \\.",
    "\\N",
    "quote ' \" ; -- % %s",
    "漢字 · emoji 🐉 · ￥",
    " padded ",
]


def rows(count: int) -> list[tuple[object, ...]]:
    moments = [None, START, START + timedelta(microseconds=1)]
    return [
        ("k", f"r{n}", NASTY[n % len(NASTY)], START, moments[n % 3])
        for n in range(count)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, ROWS_PER_INSERT, 3 * ROWS_PER_INSERT + 1])
def test_rows_arrive_as_they_were_given(count: int) -> None:
    insert_rows(StaffTask, COLUMNS, rows(count))
    stored = StaffTask.objects.order_by("id").values_list(*COLUMNS)
    assert list(stored) == rows(count)


@pytest.mark.django_db
def test_a_moment_is_the_same_in_whatever_zone_it_was_written() -> None:
    there = timezone(timedelta(hours=8))
    insert_rows(StaffTask, COLUMNS, [("k", "r", "", START.astimezone(there), None)])
    assert StaffTask.objects.get().created_at == START
    assert StaffTask.objects.filter(created_at__lte=START).exists()
    later = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert not StaffTask.objects.filter(created_at__gte=later).exists()


@pytest.mark.django_db
def test_rows_are_updated_by_their_key() -> None:
    insert_rows(StaffTask, COLUMNS, rows(450))
    ids = list(StaffTask.objects.order_by("id").values_list("id", flat=True))
    given = [(pk, NASTY[pk % len(NASTY)], START) for pk in ids[:300]]
    update_rows(StaffTask, "id", ["detail", "done_at"], given)
    changed = StaffTask.objects.filter(id__in=ids[:300]).order_by("id")
    assert list(changed.values_list("id", "detail", "done_at")) == given
    untouched = StaffTask.objects.filter(id__in=ids[300:]).order_by("id")
    expected = [row[2] for row in rows(450)[300:]]
    assert list(untouched.values_list("detail", flat=True)) == expected


@pytest.mark.django_db
def test_no_rows_are_no_statement(django_assert_num_queries: object) -> None:
    insert_rows(StaffTask, COLUMNS, [])
    update_rows(StaffTask, "id", ["detail"], [])
    assert list(reserve_ids(StaffTask, 0)) == []
    assert not StaffTask.objects.exists()


@pytest.mark.django_db
def test_reserved_ids_are_nobody_elses() -> None:
    first = list(reserve_ids(AuditEvent, 3))
    between = AuditEvent.objects.create(at=START, verb="v").pk
    second = list(reserve_ids(AuditEvent, 2))
    insert_rows(
        AuditEvent,
        ("id", "at", "verb", "object", "reason", "request_id"),
        [(pk, START, "v", "", "", "") for pk in first],
    )
    after = AuditEvent.objects.create(at=START, verb="v").pk
    everything = [*first, between, *second, after]
    assert everything == sorted(set(everything))
