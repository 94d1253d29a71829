"""Transactional tests in a row start empty, and the fences stand in each of them."""

import pytest
from django.db import IntegrityError, transaction

from accounts.fences import absent_fences
from accounts.refusals import fence_code
from credits.models import LedgerEntry
from tests.makers import make_lot, make_organisation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_turn_starts_empty_behind_its_fences(turn: int) -> None:
    assert not LedgerEntry.objects.exists()
    make_lot(make_organisation(), "1")
    assert absent_fences("credits") == []
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        LedgerEntry.objects.all().delete()
    assert fence_code(refused.value) == "entry_append_only"
