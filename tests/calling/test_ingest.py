"""Call records come in exactly once and are charged in the same transaction."""

import pytest

from accounts.models import Organisation
from calling.models import (
    Source,
    UsageDay,
)
from tests.calling.telephony import (
    charge_of,
    give_credit,
    make_record,
    take_in,
)

pytestmark = pytest.mark.usefixtures("card", "mei")


def test_a_call_is_stored_rated_and_paid_from_credit(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "5")
    result = take_in(pbx, make_record("a", seconds=61))
    assert (result.stored, result.duplicates, result.waiting) == (1, 0, 0)
    charge = charge_of("a")
    assert (charge.prefix, charge.billed_seconds) == ("81", 120)
    assert charge.rated_amount == charge.credit_amount == 42_000
    assert charge.kind == "international"
    formosa.wallet.refresh_from_db()
    assert formosa.wallet.credit == 5_000_000 - 42_000
    day = UsageDay.objects.get()
    assert (day.calls, day.seconds, day.amount) == (1, 120, 42_000)
