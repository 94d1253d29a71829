"""Staff say whose a waiting record is, see its cost first, and make a rule (6.6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from calling.assign_records import (
    Decision,
    LineNeeded,
    NextTime,
    RuleNotPossible,
    RuleTaken,
    assign_records,
    forecast,
)
from calling.models import (
    CallRecord,
    Line,
    NumberAssignment,
    RateCardVersion,
    RawRecord,
    Source,
)
from calling.rerate import Span, rerate_calls
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    make_card,
    make_line,
)
from tests.calling.test_admin import staff  # noqa: F401  # a fixture
from tests.calling.test_replay import document, hand_in
from tests.makers import make_organisation, make_user

pytestmark = pytest.mark.usefixtures("card")
STRANGE = "+886299990000"


@pytest.fixture
def clerk(db: None) -> User:
    return make_user("clerk@example.com", is_staff=True)


def wait(source: Source, record_id: str = "a", **changes: Any) -> RawRecord:
    told = {"from": STRANGE, **changes}
    assert hand_in(source, document(record_id, **told)).waiting == 1
    return RawRecord.objects.get(source_record_id=record_id)


def decide(raw: RawRecord, decision: Decision, clerk: User) -> int:
    settled = assign_records(
        [raw.pk], decision, actor=clerk, reason="they rang us up", at=LATER
    )
    return len(settled)


def test_the_cost_is_told_first_and_nothing_is_written(
    pbx: Source, formosa: Organisation
) -> None:
    raw = wait(pbx)
    (told,) = forecast([raw.pk], Decision(formosa), at=LATER)
    assert (told.cost, told.reason, told.seconds) == (21_000, "", 60)
    assert not CallRecord.objects.exists()
    raw.refresh_from_db()
    assert (raw.state, raw.assigned_to) == ("waiting", None)


def test_what_still_cannot_be_priced_says_why(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    raw = wait(pbx, to="+33123456789")
    (told,) = forecast([raw.pk], Decision(formosa), at=LATER)
    assert (told.cost, told.reason) == (None, "no_rate")
    assert "no rate" in str(told.reason_text)
    assert decide(raw, Decision(formosa), clerk) == 0
    raw.refresh_from_db()
    assert (raw.state, raw.reason, raw.assigned_to) == ("waiting", "no_rate", formosa)


def test_the_record_settles_for_whom_staff_said(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    give_credit(formosa, "1")
    line = make_line(formosa, identity="ken")
    raw = wait(pbx)
    assert decide(raw, Decision(formosa, line), clerk) == 1
    call = CallRecord.objects.get()
    assert (call.organisation, call.line) == (formosa, line)
    assert charge_of("a").credit_amount == 21_000
    event = AuditEvent.objects.get(verb="resolve_waiting_records")
    assert (event.organisation, event.actor, event.reason) == (
        formosa,
        clerk,
        "they rang us up",
    )
    # The next one waits again: no rule was made. The same one is a duplicate.
    assert hand_in(pbx, document("a", **{"from": STRANGE})).duplicates == 1
    wait(pbx, "b")


def test_staff_decide_between_two_owners(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    other = make_organisation(slug="other")
    make_line(other, STRANGE)
    raw = wait(pbx, account_code="FORMOSA")
    assert raw.reason == "conflicting_owner"
    assert decide(raw, Decision(formosa), clerk) == 1
    call = CallRecord.objects.get()
    assert (call.organisation, call.line) == (formosa, None)


@pytest.mark.parametrize("kind", ["trunk", "tenant", "account_code"])
def test_a_rule_by_word_lets_the_next_record_settle(
    pbx: Source, formosa: Organisation, clerk: User, kind: str
) -> None:
    raw = wait(pbx, **{kind: "word-1"})
    decision = Decision(formosa, next_time=NextTime(kind))
    assert decide(raw, decision, clerk) == 1
    pbx.refresh_from_db()
    assert pbx.owner_map == {"word-1": "formosa"}
    more = document("b", **{"from": STRANGE, kind: "word-1"})
    assert hand_in(pbx, more).stored == 1
    wait(pbx, "c", **{kind: "word-2"})


def test_a_rule_by_number_gives_the_number_to_the_line(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    line = make_line(formosa)
    raw = wait(pbx)
    decision = Decision(formosa, line, NextTime.NUMBER)
    assert decide(raw, decision, clerk) == 1
    number = NumberAssignment.objects.get(number=STRANGE)
    assert (number.line, number.starts_at) == (line, MORNING)
    assert hand_in(pbx, document("b", **{"from": STRANGE})).stored == 1


def test_a_rule_that_cannot_be_made_changes_nothing(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    raw = wait(pbx)
    with pytest.raises(RuleNotPossible, match="Record a names nothing"):
        decide(raw, Decision(formosa, next_time=NextTime.TRUNK), clerk)
    with pytest.raises(LineNeeded):
        decide(raw, Decision(formosa, next_time=NextTime.NUMBER), clerk)
    raw.refresh_from_db()
    assert (raw.state, raw.assigned_to) == ("waiting", None)
    assert not AuditEvent.objects.exists()


def test_a_word_or_number_of_another_is_not_taken_away(
    pbx: Source, formosa: Organisation, clerk: User
) -> None:
    other = make_organisation("Other", slug="other")
    pbx.owner_map = {"sbc": "elsewhere"}
    pbx.save()
    raw = wait(pbx, trunk="sbc")
    with pytest.raises(RuleTaken, match="sbc is elsewhere's already"):
        decide(raw, Decision(formosa, next_time=NextTime.TRUNK), clerk)
    make_line(other, STRANGE)
    line = make_line(formosa)
    with pytest.raises(RuleTaken, match="is Other's already"):
        decide(raw, Decision(formosa, line, NextTime.NUMBER), clerk)


def test_what_is_settled_already_stays(
    pbx: Source, formosa: Organisation, mei: Line, clerk: User
) -> None:
    hand_in(pbx, document("mine"))
    raw = RawRecord.objects.get()
    other = make_organisation(slug="other")
    assert decide(raw, Decision(other), clerk) == 0
    assert CallRecord.objects.get().organisation == formosa


def test_re_rating_remembers_the_decision(
    pbx: Source, formosa: Organisation, clerk: User, card: RateCardVersion
) -> None:
    decide(wait(pbx), Decision(formosa), clerk)
    make_card([{"prefix": "81", "rate": "0.05"}])
    span = Span(card.card, MORNING, MORNING + timedelta(days=1))
    result = rerate_calls(span, at=LATER)
    assert [one.after for one in result.changed] == [50_000]
    assert charge_of("a").organisation == formosa


# --- the page -------------------------------------------------------------------------


def act(client: Client, raw: RawRecord, **form: str) -> Any:
    address = reverse("admin:calling_rawrecord_changelist")
    data = {"action": "resolve", "_selected_action": str(raw.pk), **form}
    return client.post(address, data, follow=True)


FORM = {
    "organisation": "formosa",
    "line": "",
    "next_time": "",
    "reason": "They said so",
}


def test_the_page_asks_shows_the_cost_and_settles_once(
    staff: Client,  # noqa: F811
    pbx: Source,
    formosa: Organisation,
    settings: Settings,
) -> None:
    raw = wait(pbx)
    assert "Next time" in act(staff, raw).text
    shown = act(staff, raw, step="preview", **FORM)
    assert "US$0.02" in shown.text
    assert not CallRecord.objects.exists()
    once = shown.context["once"]
    done = act(staff, raw, step="confirm", once=once, **FORM)
    assert "1 of 1 call records were settled" in done.text
    again = act(staff, raw, step="confirm", once=once, **FORM)
    assert "Choose records that wait" in again.text
    assert CallRecord.objects.get().organisation == formosa


def test_the_page_refuses_a_stale_token_and_wrong_names(
    staff: Client,  # noqa: F811
    pbx: Source,
    formosa: Organisation,
) -> None:
    raw = wait(pbx)
    wrong = act(staff, raw, step="preview", **{**FORM, "organisation": "nobody"})
    assert "There is no such organisation" in wrong.text
    wrong = act(staff, raw, step="preview", **{**FORM, "line": "nobody"})
    assert "The organisation has no such line" in wrong.text
    stale = act(staff, raw, step="confirm", once="made-up", **FORM)
    assert "sent before" in stale.text
    assert not CallRecord.objects.exists()
