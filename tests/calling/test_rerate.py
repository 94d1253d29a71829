"""Calls are priced again after a card was corrected (rule 6.7)."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation
from calling import admin_rerate
from calling.models import (
    Bucket,
    CallRecord,
    Charge,
    Line,
    MinutePool,
    Purpose,
    RateCard,
    RateCardVersion,
    Source,
    UsageDay,
)
from calling.rerate import Span, rerate_calls
from credits.models import EntryKind, LedgerEntry, Wallet
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_number,
    give_plan,
    make_card,
)
from tests.calling.test_admin import staff  # noqa: F401  # a fixture
from tests.calling.test_replay import document, hand_in
from tests.makers import START, make_organisation, make_user

EVENING = LATER + timedelta(hours=6)


@pytest.fixture
def calls(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> Organisation:
    """One minute to Tokyo and one to London, of 0.021 and 0.012."""
    give_credit(formosa, "1")
    done = hand_in(pbx, document("tokyo"), document("london", to="+442079460000"))
    assert done.stored == 2
    return formosa


def correct_card(rate: str = "0.03", *, valid_from: datetime = START) -> RateCard:
    """Tokyo costs this from the beginning on."""
    rates: list[dict[str, Any]] = [
        {"prefix": "81", "rate": rate},
        {"prefix": "44", "rate": "0.012"},
        {"prefix": "886", "rate": "0.02"},
    ]
    return make_card(rates, valid_from=valid_from).card


def span(card: RateCard, organisation: Organisation | None = None) -> Span:
    return Span(card, MORNING, MORNING + timedelta(days=1), organisation)


def balance(organisation: Organisation) -> int:
    wallet = Wallet.objects.get(organisation=organisation)
    return sum(lot.remaining for lot in wallet.organisation.lots.all()) - wallet.debt


def test_only_calls_that_change_get_a_new_revision(calls: Organisation) -> None:
    result = rerate_calls(span(correct_card()), at=EVENING)
    assert result.calls == 2
    (one,) = result.changed
    assert (one.before, one.after, one.revision) == (21_000, 30_000, 2)
    charge = charge_of("tokyo")
    assert (charge.revision, charge.credit_amount) == (2, 30_000)
    assert charge.booked_at == EVENING
    assert charge_of("london").revision == 1
    assert balance(calls) == 1_000_000 - 30_000 - 12_000


def test_the_old_revision_stays_and_is_undone_by_opposite_entries(
    calls: Organisation,
) -> None:
    rerate_calls(span(correct_card()), at=EVENING)
    record = CallRecord.objects.get(source_record_id="tokyo")
    assert record.revision == 2
    amounts = Charge.objects.filter(call_record=record).order_by("revision")
    assert [charge.rated_amount for charge in amounts] == [21_000, 30_000]
    entries = LedgerEntry.objects.filter(
        kind=EntryKind.SPEND, reference__startswith=f"call:{record.pk}#"
    ).order_by("wallet_seq")
    assert [(entry.reference[-2:], entry.amount) for entry in entries] == [
        ("#1", -21_000),
        ("do", 21_000),
        ("#2", -30_000),
    ]
    usage = UsageDay.objects.get()
    assert (usage.calls, usage.amount) == (2, 42_000)


def test_a_second_run_changes_nothing(calls: Organisation) -> None:
    card = correct_card()
    rerate_calls(span(card), at=EVENING)
    again = rerate_calls(span(card), at=EVENING)
    assert (again.calls, again.changed, again.not_rated) == (2, [], [])
    assert Charge.objects.count() == 3


def test_a_dry_run_reports_the_same_and_writes_nothing(calls: Organisation) -> None:
    card = correct_card()
    entries = LedgerEntry.objects.count()
    planned = rerate_calls(span(card), at=EVENING, dry_run=True)
    assert Charge.objects.count() == 2
    assert LedgerEntry.objects.count() == entries
    done = rerate_calls(span(card), at=EVENING)
    assert planned.changed == done.changed
    assert (planned.before, planned.after) == (21_000, 30_000)


def test_pool_seconds_come_back_and_are_drawn_again(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 10})
    hand_in(pbx, document("home", to="+886287654321"))
    rerate_calls(span(correct_card()), at=EVENING)
    assert charge_of("home").revision == 1  # costs what it cost
    make_card([{"prefix": "886", "rate": "0.05", "interval_1": 120}])
    rerate_calls(span(card.card), at=EVENING)
    charge = charge_of("home")
    assert (charge.revision, charge.pool_seconds, charge.pool_amount) == (
        2,
        120,
        100_000,
    )
    assert MinutePool.objects.get().remaining_seconds == 600 - 120


def test_dearer_than_the_balance_becomes_debt(calls: Organisation) -> None:
    rerate_calls(span(correct_card("2")), at=EVENING)
    charge = charge_of("tokyo")
    assert (charge.credit_amount, charge.debt_amount) == (988_000, 1_012_000)
    assert balance(calls) == 1_000_000 - 2_000_000 - 12_000


def test_calls_outside_the_span_or_of_others_stay(
    calls: Organisation, pbx: Source
) -> None:
    other = make_organisation(slug="other")
    give_number(other, "+886255556666", service_kind="toll")
    hand_in(pbx, document("others", **{"from": "+886255556666"}))
    card = correct_card()
    early = Span(card, MORNING - timedelta(days=1), MORNING)
    assert rerate_calls(early, at=EVENING).calls == 0
    result = rerate_calls(span(card, other), at=EVENING)
    assert [one.organisation_id for one in result.changed] == [other.pk]
    assert charge_of("tokyo").revision == 1


def test_an_own_card_that_came_late_prices_what_the_default_did(
    calls: Organisation,
) -> None:
    own = make_card(
        [{"prefix": "81", "rate": "0.01"}], name="Own", organisation=calls
    ).card
    result = rerate_calls(span(own), at=EVENING)
    assert [(one.before, one.after) for one in result.changed] == [(21_000, 10_000)]
    # London is not on the new card: it stays as it was charged, and is named.
    assert [reason for _, reason in result.not_rated] == ["no_rate"]
    assert charge_of("london").revision == 1


def test_another_card_changes_nothing(calls: Organisation) -> None:
    other = make_card(
        [{"prefix": "81", "rate": "9"}], name="Conference", purpose=Purpose.CONFERENCE
    ).card
    correct_card()
    assert rerate_calls(span(other), at=EVENING).changed == []


@pytest.mark.parametrize("batch", [1, 3])
def test_batches_do_not_matter(calls: Organisation, pbx: Source, batch: int) -> None:
    hand_in(pbx, *(document(f"more{n}") for n in range(4)))
    result = rerate_calls(span(correct_card()), at=EVENING, batch=batch)
    assert (result.calls, len(result.changed)) == (6, 5)


# --- the command ----------------------------------------------------------------------


def run(*words: str) -> str:
    out = StringIO()
    times = ["--from", "2026-03-10T00:00:00Z", "--to", "2026-03-11T00:00:00Z"]
    call_command("rerate_calls", "--card", "Standard", *times, *words, stdout=out)
    return out.getvalue()


def test_the_command_reports_then_does(calls: Organisation) -> None:
    correct_card()
    told = json.loads(run("--dry-run", "--json"))
    record = CallRecord.objects.get(source_record_id="tokyo")
    assert told == {
        "card": "Standard",
        "currency": "USD",
        "calls": 2,
        "changed": 1,
        "not_rated": [],
        "before": "0.021000",
        "after": "0.030000",
        "organisations": {
            "formosa": {"calls": 1, "before": "0.021000", "after": "0.030000"}
        },
        "dry_run": True,
        "changes": [
            {
                "call": record.pk,
                "prefix": "81",
                "before": "0.021000",
                "after": "0.030000",
                "revision": 2,
            }
        ],
    }
    assert not AuditEvent.objects.filter(verb="rerate_calls").exists()
    assert "1 of 2 calls changed, by 0.009000 USD" in run("--organisation", "formosa")
    assert AuditEvent.objects.get(verb="rerate_calls").object.startswith("rate-card:")
    assert "0 of 2 calls would change" in run("--dry-run")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--organisation", "nobody"], "There is no organisation nobody."),
        (["--card", "Nothing"], "There is no rate card Nothing."),
        (["--to", "2026-03-09T00:00:00Z"], "--to is not after --from."),
    ],
)
def test_bad_input_is_one_sentence(
    calls: Organisation, words: list[str], sentence: str, capsys: Any
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip() == sentence


# --- the page -------------------------------------------------------------------------


def form(card: RateCard, **more: str) -> dict[str, str]:
    return {
        "card": str(card.pk),
        "since": "2026-03-10 00:00",
        "until": "2026-03-11 00:00",
        "organisation": "",
        "reason": "The deck was wrong",
        **more,
    }


def test_the_page_shows_the_dry_run_then_does_it_once(
    staff: Client,  # noqa: F811
    calls: Organisation,
) -> None:
    card = correct_card()
    address = reverse("admin:calling_callrecord_rerate")
    assert address in staff.get(reverse("admin:calling_callrecord_changelist")).text
    assert staff.get(address).status_code == 200
    shown = staff.post(address, form(card, step="preview"))
    assert "1 call of 2 would change: from US$0.021 to US$0.03 in all" in shown.text
    assert Charge.objects.count() == 2
    sent = form(card, step="confirm", once=shown.context["once"])
    assert "1 of 2 calls got a new price" in staff.post(address, sent, follow=True).text
    assert "sent before" in staff.post(address, sent, follow=True).text
    assert charge_of("tokyo").revision == 2
    event = AuditEvent.objects.get(verb="rerate_calls")
    assert (event.reason, event.after and event.after["after"]) == (
        "The deck was wrong",
        "0.030000",
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"until": "2026-03-09 00:00"}, "The span ends after it begins."),
        ({"organisation": "nobody"}, "There is no such organisation."),
        ({"reason": "no"}, "at least 10 characters"),
    ],
)
def test_the_page_refuses_what_is_wrong(
    staff: Client,  # noqa: F811
    calls: Organisation,
    more: dict[str, str],
    sentence: str,
) -> None:
    address = reverse("admin:calling_callrecord_rerate")
    answer = staff.post(address, form(correct_card(), step="preview", **more))
    assert sentence in answer.text


def test_the_page_leaves_long_spans_to_the_command(
    staff: Client,  # noqa: F811
    calls: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_rerate, "MOST_CALLS", 1)
    address = reverse("admin:calling_callrecord_rerate")
    answer = staff.post(address, form(correct_card(), step="preview"))
    assert "more than 1 calls: use rerate_calls" in answer.text


def test_the_page_is_for_those_who_may(calls: Organisation, settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    clerk = Client()
    clerk.force_login(make_user("new@example.com", is_staff=True))
    assert clerk.get(reverse("admin:calling_callrecord_rerate")).status_code == 403
