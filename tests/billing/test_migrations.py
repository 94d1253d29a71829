"""The fences go up and come down again, and nobody forgets one (rule 2.1)."""

from io import StringIO

import pytest
from django.core.management import call_command

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


def test_both_engines_have_the_same_fences() -> None:
    here, there = (fence_names("billing", name) for name in ("sqlite", "postgresql"))
    assert here
    # SQLite has no TRUNCATE to refuse.
    assert {name for name in there if not name.endswith("_not_truncated")} == here


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command(
        "makemigrations", "billing", check=True, dry_run=True, stdout=StringIO()
    )
