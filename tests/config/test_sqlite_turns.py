"""Threads that write to SQLite take turns (decision 0014)."""

import threading
import time

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import Organisation
from credits.lock import lock_wallet
from tests.makers import make_organisation

WRITERS, WRITES = 12, 10

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_writer_waits_while_the_lock_is_idle() -> None:
    """Polling took seconds where the writing itself takes a fraction of one."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has row locks.")
    organisation = make_organisation()
    began = time.monotonic()
    threads = [
        threading.Thread(target=write, args=(organisation,)) for _ in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.monotonic() - began
    organisation.wallet.refresh_from_db()
    assert organisation.wallet.live_calls == WRITERS * WRITES
    assert taken < 5


def write(organisation: Organisation) -> None:
    try:
        for _number in range(WRITES):
            with transaction.atomic():
                wallet = lock_wallet(organisation.pk)
                wallet.live_calls += 1
                wallet.save(update_fields=["live_calls"])
    finally:
        connections.close_all()


def test_a_turn_ends_whatever_becomes_of_the_transaction() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has row locks.")
    with pytest.raises(OperationalError), transaction.atomic():
        connection.cursor().execute("SELECT * FROM nowhere")
    with transaction.atomic():
        make_organisation()
    assert Organisation.objects.count() == 1
