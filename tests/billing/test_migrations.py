"""The fences go up and come down again, and nobody forgets one (rule 2.1)."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.fences import absent_fences, fence_names


@pytest.mark.django_db(transaction=True)
def test_fences_come_down_and_go_up_again() -> None:
    assert absent_fences("billing") == []
    call_command("migrate", "billing", "0001", verbosity=0)
    try:
        assert set(absent_fences("billing")) == fence_names("billing")
    finally:
        call_command("migrate", "billing", verbosity=0)
    assert absent_fences("billing") == []


@pytest.mark.django_db
def test_both_engines_have_the_same_fences() -> None:
    names = fence_names("billing")
    # SQLite has no TRUNCATE to refuse.
    only_postgresql = {"top_up_not_truncated", "staff_payment_not_truncated"}
    expected = {
        "lot_names_sale",
        "staff_payment_is_kept",
        "staff_payment_keeps_amount",
        "staff_payment_keeps_mode",
        "staff_payment_prove_sale",
        "top_up_is_kept",
        "top_up_keeps_amount",
        "top_up_keeps_mode",
        "top_up_prove_sale",
        "top_up_stays_paid",
    }
    more = only_postgresql if connection.vendor == "postgresql" else set()
    assert names == expected | more


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command(
        "makemigrations", "billing", check=True, dry_run=True, stdout=StringIO()
    )
