"""What is remembered is never older than what holds (rule 9.1): changes count at once.

Every change is made past the verbs, with one row: triggers count it.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.keys import revoke_key
from accounts.models import ApiKey, BillingMode, Organisation, User
from calling.models import (
    Barring,
    Bucket,
    CallCountry,
    CallLimits,
    Line,
    NumberAssignment,
    RateCardVersion,
    Source,
)
from tests.calling.authorise.asking import JAPAN, MEI, PREMIUM, TAIWAN, ask
from tests.calling.authorise.test_api import give_key, post, question
from tests.calling.telephony import (
    MORNING,
    give_credit,
    give_number,
    give_plan,
    make_card,
    make_line,
)
from tests.makers import make_organisation

pytestmark = pytest.mark.usefixtures("card", "mei")


@pytest.fixture
def warm(pbx: Source, formosa: Organisation) -> Source:
    """A switch that has asked before, so that all of it is remembered."""
    give_credit(formosa, "100")
    for callee in (JAPAN, TAIWAN):
        assert ask(pbx, callee).decision == "allow"
    return pbx


def suspend(formosa: Organisation) -> None:
    Organisation.objects.filter(pk=formosa.pk).update(
        suspended_at=MORNING, suspended_because="fraud"
    )


def bar_for_all(formosa: Organisation) -> None:
    Barring.objects.create(name="Japan", country="JP")


def bar_for_one(formosa: Organisation) -> None:
    Barring.objects.create(organisation=formosa, name="Japan", country="JP")


def limit_all(formosa: Organisation) -> None:
    CallLimits.objects.create(currency="USD", price_ceiling=1)


def limit_one(formosa: Organisation) -> None:
    CallLimits.objects.create(organisation=formosa, price_ceiling=1)


def forbid_credits(formosa: Organisation) -> None:
    Line.objects.update(may_spend_credits=False)


def end_number(formosa: Organisation) -> None:
    NumberAssignment.objects.update(ends_at=MORNING - timedelta(days=1))


def raise_prices(formosa: Organisation) -> None:
    make_card([{"prefix": "886"}], valid_from=MORNING - timedelta(hours=1))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (suspend, "suspended"),
        (bar_for_all, "destination_barred"),
        (bar_for_one, "destination_barred"),
        (limit_all, "price_above_ceiling"),
        (limit_one, "price_above_ceiling"),
        (forbid_credits, "line_not_entitled"),
        (end_number, "organisation_not_entitled"),
        (raise_prices, "no_rate"),
    ],
)
def test_a_change_counts_at_once(
    change: Callable[[Organisation], None],
    code: str,
    warm: Source,
    formosa: Organisation,
) -> None:
    change(formosa)
    assert ask(warm, JAPAN).code == code


def test_what_was_denied_is_allowed_once_that_is_changed(
    warm: Source, formosa: Organisation
) -> None:
    assert ask(warm, PREMIUM).code == "destination_barred"
    Barring.objects.create(name="all", number_type="premium", lets_through=True)
    assert ask(warm, PREMIUM).decision == "allow"
    Barring.objects.all().delete()
    assert ask(warm, PREMIUM).code == "destination_barred"


def test_a_number_that_changes_hands_changes_who_pays(
    warm: Source, formosa: Organisation
) -> None:
    other = make_organisation()
    NumberAssignment.objects.update(ends_at=MORNING)
    give_number(other, MEI, line=make_line(other), starts_at=MORNING)
    assert ask(warm, JAPAN).code == "no_funding"
    give_credit(other, "5")
    assert ask(warm, JAPAN).decision == "allow"


def test_a_number_that_was_nobodys_becomes_a_line(
    warm: Source, formosa: Organisation
) -> None:
    assert ask(warm, caller="+886211111111").code == "organisation_not_entitled"
    make_line(formosa, "+886211111111")
    assert ask(warm, caller="+886211111111").decision == "allow"
    assert ask(warm, "+886211111111").body["charged_to"] == "none"  # on-net from now on


def test_a_plan_given_now_pays_now(
    warm: Source, formosa: Organisation, mei: Line
) -> None:
    assert ask(warm, TAIWAN).body["charged_to"] == "credits"
    give_plan(mei, {Bucket.DOMESTIC: 100})
    assert ask(warm, TAIWAN).body["charged_to"] == "plan"


def test_an_organisation_that_moves_is_billed_after_use(
    warm: Source, formosa: Organisation
) -> None:
    formosa.mode_periods.update(ends_at=MORNING)
    formosa.mode_periods.create(billing_mode=BillingMode.NCE, starts_at=MORNING)
    formosa.billing_mode = BillingMode.NCE
    formosa.save()
    for _ in range(160):  # leftover credit is spent first
        if ask(warm, JAPAN).body["charged_to"] == "postpaid":
            return
    raise AssertionError("The leftover credit never ends.")


def test_a_domestic_area_that_grows_makes_calls_domestic(
    warm: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 100})
    assert ask(warm, JAPAN).body["charged_to"] == "credits"
    CallCountry.objects.filter(country__in=["TW", "JP"]).update(domestic_area="islands")
    for country in ("TW", "JP"):
        CallCountry.objects.update_or_create(
            country=country, defaults={"domestic_area": "islands"}
        )
    assert ask(warm, JAPAN).body["charged_to"] == "plan"


def test_a_source_that_is_changed_reads_numbers_otherwise(warm: Source) -> None:
    Source.objects.update(rewrite_rules=[["9", "+81"]])
    changed = Source.objects.get()
    assert ask(changed, "9312345678").body["rate"]["prefix"] == "81"


def test_a_revoked_key_ends_at_once(
    pbx: Source, formosa: Organisation, alice: User
) -> None:
    give_credit(formosa, "50", at=timezone.now())
    secret = give_key(pbx)
    assert post("/authorize", question(), secret).status_code == 200
    with connection.cursor() as cursor:  # as another process would
        cursor.execute("UPDATE accounts_apikey SET revoked_at = created_at")
    answer = post("/authorize", question(call_id="two"), secret)
    assert answer.status_code == 401
    key = ApiKey.objects.get()
    assert not revoke_key(key, actor=alice, reason="again", at=timezone.now())


def test_using_a_key_or_hearing_a_source_counts_as_no_change(
    warm: Source, card: RateCardVersion
) -> None:
    """Otherwise every record would make every process read all of it again."""
    from calling.reference import read_facts_counts

    before = read_facts_counts()
    Source.objects.update(heard_at=MORNING, asks_since=MORNING)
    ApiKey.objects.update(last_used_at=MORNING)
    RateCardVersion.objects.update(told_at=MORNING)
    assert read_facts_counts() == before
