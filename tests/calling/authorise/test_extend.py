"""A running call goes on, is released, or is settled (rules 9.1, 9.3 and 9.4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organisation
from calling.authorise.answers import Answer
from calling.authorise.extend import Extension, extend_call
from calling.authorise.refusals import CallIsOver, SequenceSkipped, SequenceTooLow
from calling.models import Bucket, CallLimits, Charge, Line, MinutePool, Source
from credits.models import Hold, HoldState, Wallet
from tests.calling.authorise.asking import JAPAN_MOBILE, TAIWAN, ask
from tests.calling.authorise.test_api import give_key, post, question
from tests.calling.telephony import MORNING, give_credit, give_plan

pytestmark = pytest.mark.usefixtures("card", "mei")
LATER = MORNING + timedelta(minutes=25)


def extend(
    source: Source, sequence: int = 2, used: int = 1500, more: int = 1800
) -> Answer:
    hold = Hold.objects.get()
    return extend_call(hold.pk, source, Extension(sequence, used, more), at=LATER)


def test_an_extension_repeats_the_whole_figure(
    pbx: Source, formosa: Organisation
) -> None:
    """9.1: 1,500 seconds used and 1,800 more are 3,300 in all, held in all."""
    give_credit(formosa, "50")
    ask(pbx, JAPAN_MOBILE)
    answer = extend(pbx)
    assert answer.body == {
        "decision": "allow",
        "sequence": 2,
        "max_duration_s": 3300,
        "expires_at": "2026-03-10T03:25:00Z",
        "hold": {"amount": "6.050000", "currency": "USD"},
        "sip": {"code": 200},
    }
    assert Wallet.objects.get(pk=formosa.pk).reserved == 6_050_000
    hold = Hold.objects.get()
    assert (hold.granted_seconds, hold.sequence) == (3300, 2)


def test_the_same_sequence_gets_the_same_answer(
    pbx: Source, formosa: Organisation
) -> None:
    """9.1: as in Diameter credit control; nothing is added twice."""
    give_credit(formosa, "50")
    ask(pbx, JAPAN_MOBILE)
    first = extend(pbx)
    assert list(extend(pbx, used=1700).body.items()) == list(first.body.items())
    assert Wallet.objects.get(pk=formosa.pk).reserved == 6_050_000
    with pytest.raises(SequenceTooLow):
        extend(pbx, sequence=1)
    with pytest.raises(SequenceSkipped):
        extend(pbx, sequence=4)


def test_a_denied_extension_ends_with_what_was_granted(
    pbx: Source, formosa: Organisation
) -> None:
    """9.3: live calls end with their grant."""
    give_credit(formosa, "3.3")
    ask(pbx, JAPAN_MOBILE)
    answer = extend(pbx)
    assert (answer.decision, answer.code) == ("deny", "no_funding")
    assert answer.body["max_duration_s"] == 1800
    assert answer.body["sequence"] == 2
    assert Hold.objects.get().is_open
    assert extend(pbx).body == answer.body


def test_an_extension_is_cut_to_what_money_covers(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "4.4")
    ask(pbx, JAPAN_MOBILE)
    answer = extend(pbx)
    assert (answer.decision, answer.body["max_duration_s"]) == ("allow", 2400)
    assert answer.body["hold"]["amount"] == "4.400000"


def test_an_extension_draws_plan_minutes_first(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """9.4: 40 minutes of the plan, then 15 minutes of money."""
    give_plan(mei, {Bucket.DOMESTIC: 40})
    give_credit(formosa, "5")
    assert ask(pbx, TAIWAN).body["charged_to"] == "plan"
    answer = extend(pbx)
    assert answer.body["max_duration_s"] == 3300
    assert answer.body["hold"]["amount"] == "0.300000"
    assert MinutePool.objects.get().reserved_seconds == 2400


def test_a_suspended_organisations_call_is_not_extended(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "50")
    ask(pbx, JAPAN_MOBILE)
    formosa.suspended_at, formosa.suspended_because = MORNING, "fraud"
    formosa.save()
    assert extend(pbx).code == "suspended"


def test_a_call_lasts_no_longer_than_the_longest_call(
    pbx: Source, formosa: Organisation
) -> None:
    CallLimits.objects.create(longest_call_seconds=2000)
    give_credit(formosa, "50")
    ask(pbx, JAPAN_MOBILE)
    assert extend(pbx).body["max_duration_s"] == 2000


# --- over HTTP: extend, release, settle -----------------------------------------------


@pytest.fixture
def secret(pbx: Source) -> str:
    return give_key(pbx)


@pytest.fixture
def started(secret: str, formosa: Organisation) -> str:
    """The authorization of a call in progress."""
    give_credit(formosa, "50", at=timezone.now())
    answer = post("/authorize", question(), secret)
    return str(answer.json()["authorization_id"])


def ending(**changes: Any) -> dict[str, Any]:
    now = timezone.now()
    told = {
        "sequence": 2,
        "source_record_id": "sbc1-0000817",
        "answered_at": now.isoformat(),
        "ended_at": (now + timedelta(seconds=123)).isoformat(),
        "billable_s": 123,
        "hangup_cause": 16,
        "sip_code": 200,
    }
    return {**told, **changes}


def test_a_call_is_settled_by_its_authorization(
    started: str, secret: str, formosa: Organisation
) -> None:
    """9.4: the record converts the hold into a charge and releases the rest."""
    answer = post(f"/{started}/settle", ending(), secret)
    assert answer.status_code == 200, answer.content
    charge = Charge.objects.get()
    assert answer.json() == {
        "status": "settled",
        "cdr_id": f"cdr_{charge.call_record_id}",
        "kind": "international",
        "billed_s": 126,
        "revision": 1,
        "paid_by": [
            {
                "source": "credit",
                "seconds": 126,
                "amount": "0.231000",
                "currency": "USD",
            }
        ],
        "released": {"amount": "3.069000", "currency": "USD"},
    }
    assert Hold.objects.get().state == HoldState.SETTLED
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (0, 0)
    assert post(f"/{started}/settle", ending(), secret).json() == answer.json()
    assert Charge.objects.count() == 1


def test_an_unanswered_call_is_released(
    started: str, secret: str, formosa: Organisation
) -> None:
    body = {"sequence": 2, "reason": "not_answered"}
    for _ in range(2):
        answer = post(f"/{started}/release", body, secret)
        assert answer.json() == {"status": "released"}
    assert Wallet.objects.get(pk=formosa.pk).reserved == 0
    answer = post(f"/{started}/extend", {"sequence": 2, "used_s": 1}, secret)
    assert (answer.status_code, answer.json()["code"]) == (409, "call_is_over")
    with pytest.raises(CallIsOver):
        extend(Source.objects.get())


def test_an_extension_over_http(started: str, secret: str) -> None:
    body = {"sequence": 2, "used_s": 1500, "requested_s": 1800}
    answer = post(f"/{started}/extend", body, secret)
    assert answer.json()["max_duration_s"] == 3300
    answer = post(f"/{started}/extend", body | {"sequence": 1}, secret)
    assert (answer.status_code, answer.json()["code"]) == (409, "sequence_too_low")


@pytest.mark.parametrize("door", ["extend", "release", "settle"])
def test_another_sources_call_is_not_there(started: str, door: str) -> None:
    """1.7: the key decides the source."""
    other = Source.objects.create(slug="other", name="other", home_country="TW")
    key = give_key(other)
    body = {"extend": {"sequence": 2, "used_s": 1}, "settle": ending()}.get(door, {})
    for path in (f"/{started}/{door}", f"/auth_x/{door}", f"/auth_9{'9' * 18}/{door}"):
        assert post(path, body, key).status_code == 404
