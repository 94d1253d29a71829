"""Prepared once a connection, and part of the transaction of whoever runs it."""

import time

import pytest
from django.db import DataError, OperationalError, connection, transaction

from accounts.models import Organisation
from benchmarks.rows.r11_statements import statements
from calling.authorise.run_prepared import INT, INTS, TEXT, Prepared, run_prepared

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL alone"),
    pytest.mark.django_db(transaction=True),
]
ECHO = Prepared(b"echo", b"SELECT $1 + 1, $2, $3[2], NULL::text", (INT, TEXT, INTS))
NONE = Prepared(b"none", b"SELECT 1 WHERE FALSE", ())
RENAME = Prepared(b"rename", b"UPDATE accounts_organisation SET name = $1", (TEXT,))


def test_the_first_row_as_text() -> None:
    row = run_prepared(ECHO, [b"41", "台'灣".encode(), b"{5,6}"])
    assert row == ["42", "台'灣", "6", None]
    assert run_prepared(ECHO, [None, None, None]) == [None] * 4
    assert run_prepared(NONE, []) is None


def test_one_trip_once_it_is_prepared() -> None:
    run_prepared(NONE, [])
    with statements() as run:
        run_prepared(NONE, [])
    assert run == ["SELECT 1 WHERE FALSE"]


def test_a_new_connection_prepares_it_anew() -> None:
    run_prepared(NONE, [])
    connection.close()
    assert run_prepared(NONE, []) is None


def test_what_is_wrong_is_an_error_of_django() -> None:
    with pytest.raises(DataError, match="out of range"):
        run_prepared(ECHO, [str(2**63 - 1).encode(), b"", b"{}"])
    assert run_prepared(NONE, []) is None  # the connection is as it was


def test_a_lost_connection_is_told_as_that() -> None:
    run_prepared(NONE, [])
    with connection.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = 1")
        cursor.execute("SELECT 1")
    time.sleep(0.2)
    with pytest.raises(OperationalError):
        run_prepared(NONE, [])
    connection.close()


def test_it_is_undone_with_the_transaction_it_is_in(formosa: Organisation) -> None:
    """Even where it is the first statement of that transaction."""
    connection.ensure_connection()
    transaction.set_autocommit(False)
    try:
        run_prepared(RENAME, [b"Another"])
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    formosa.refresh_from_db()
    assert formosa.name != "Another"


def test_without_a_transaction_it_is_kept(formosa: Organisation) -> None:
    run_prepared(RENAME, [b"Another"])
    connection.close()
    formosa.refresh_from_db()
    assert formosa.name == "Another"
