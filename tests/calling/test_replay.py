"""What waits is settled as soon as it can be (rule 6.6)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import JobRun, Organisation
from calling import jobs
from calling.formats.generic import parse
from calling.formats.record import CallRecordIn, Profile
from calling.ingest import IngestResult, store_call_records
from calling.models import CallRecord, RateCardVersion, RawRecord, Source
from calling.replay import settle_waiting
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_number,
    make_card,
    make_line,
)

pytestmark = pytest.mark.usefixtures("card")


def hand_in(source: Source, *documents: dict[str, Any], hint: str = "") -> IngestResult:
    raw = "\n".join(json.dumps(document) for document in documents)
    rows = list(parse(raw.encode(), Profile.of(source)))
    records = [row for row in rows if isinstance(row, CallRecordIn)]
    for record in records:
        record.organisation_hint = hint
    assert len(records) == len(rows)
    return store_call_records(source, records, at=LATER)


def document(record_id: str = "a", **changes: Any) -> dict[str, Any]:
    facts = {
        "source_record_id": record_id,
        "direction": "outbound",
        "from": "+886223456789",
        "to": "+81312345678",
        "answered_at": MORNING.isoformat(),
        "ended_at": (MORNING + timedelta(minutes=1)).isoformat(),
    }
    return {**facts, **changes}


def test_a_record_without_owner_settles_once_its_number_is_assigned(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    assert hand_in(pbx, document()).waiting == 1
    assert settle_waiting(at=LATER) == []
    make_line(formosa, "+886223456789")
    (settled,) = settle_waiting(at=LATER)
    assert settled.revision == 1
    assert charge_of("a").credit_amount == 21_000
    assert RawRecord.objects.get().state == "settled"
    assert settle_waiting(at=LATER) == []
    assert hand_in(pbx, document()).duplicates == 1


def test_a_record_without_rate_settles_once_there_is_one(
    pbx: Source, formosa: Organisation
) -> None:
    make_line(formosa, "+886223456789")
    assert hand_in(pbx, document(to="+33123456789")).waiting == 1
    make_card([{"prefix": "33", "rate": "0.5"}])
    assert len(settle_waiting(at=LATER)) == 1
    assert charge_of("a").rated_amount == 500_000


def test_the_reason_shown_is_todays(pbx: Source, formosa: Organisation) -> None:
    hand_in(pbx, document(to="+33123456789"))
    make_line(formosa, "+886223456789")
    settle_waiting(at=LATER)
    assert RawRecord.objects.get().reason == "no_rate"


def test_the_organisation_named_beside_the_record_still_counts(
    pbx: Source, contoso: Organisation
) -> None:
    hand_in(pbx, document(to="+33123456789"), hint="contoso")
    make_card([{"prefix": "33"}])
    settle_waiting(at=LATER)
    assert CallRecord.objects.get().organisation == contoso


def test_only_the_newest_telling_is_settled(pbx: Source, formosa: Organisation) -> None:
    hand_in(pbx, document(), document(billable_s=120))
    give_number(formosa, "+886223456789", line=make_line(formosa))
    (settled,) = settle_waiting(at=LATER)
    assert settled.revision == 1
    assert charge_of("a").rated_amount == 42_000
    assert not RawRecord.objects.filter(state="waiting").exists()


def test_a_correction_that_waited_undoes_what_it_corrects(
    pbx: Source, formosa: Organisation
) -> None:
    make_line(formosa, "+886223456789")
    give_credit(formosa, "1")
    hand_in(pbx, document())
    hand_in(pbx, document(to="+33123456789"))
    make_card([{"prefix": "81", "rate": "0.021"}, {"prefix": "33", "rate": "0.5"}])
    (settled,) = settle_waiting(at=LATER)
    assert settled.revision == 2
    formosa.wallet.refresh_from_db()
    assert formosa.wallet.credit == 500_000


def test_a_full_queue_is_replayed_batch_by_batch(
    pbx: Source, formosa: Organisation
) -> None:
    hand_in(pbx, *[document(f"r{number}") for number in range(7)])
    make_line(formosa, "+886223456789")
    assert len(settle_waiting(at=LATER, batch=3)) == 7


def test_what_can_never_be_settled_does_not_stop_the_rest(
    pbx: Source, formosa: Organisation
) -> None:
    hand_in(pbx, document("a", **{"from": "+886200000000"}), document("b"))
    make_line(formosa, "+886223456789")
    assert len(settle_waiting(at=LATER, batch=1)) == 1
    assert RawRecord.objects.get(state="waiting").source_record_id == "a"


@pytest.mark.django_db(transaction=True)
def test_the_job_settles_and_starts_again_at_the_front(
    pbx: Source, card: RateCardVersion, formosa: Organisation
) -> None:
    hand_in(pbx, document())
    jobs.settle_waiting()
    assert JobRun.objects.get().cursor == ""
    make_line(formosa, "+886223456789")
    jobs.settle_waiting()
    assert charge_of("a").rated_amount == 21_000
