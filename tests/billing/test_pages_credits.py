"""The overview and the Credits page: the figures, and that they add up."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import pairwise

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from billing.incoming import note_incoming
from billing.models import TopUpState
from billing.overview import balance_figures, read_overview
from calling.models import Line, RateCardVersion, Source
from credits.models import LotKind
from credits.money import to_micros
from credits.statement import Balance
from tests import makers
from tests.billing.test_pages_access import signed_in
from tests.calling import telephony
from tests.calling.conftest import card, mei, pbx

__all__ = ["card", "mei", "pbx"]

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)  # four in the afternoon in Taipei


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


@pytest.fixture
def busy(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> Organisation:
    """Formosa bought 50 dollars and phoned Japan on each of the last twelve days."""
    now = timezone.now()
    makers.make_lot(formosa, "50", at=now - timedelta(days=40))
    records = [
        telephony.make_record(seconds=600, at=now - timedelta(days=days, minutes=20))
        for days in range(12, 0, -1)
    ]
    telephony.take_in(pbx, *records, at=now)
    return formosa


def text_of(client: Client, address: str = "/credits/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", answer.text))


def test_balance_less_held_is_available_however_fine_the_amounts() -> None:
    for balance in (10_005_000, 10_004_999, -3_181_000, 0):
        for held in (0, 1, 4_118_000, 5_000):
            figures = balance_figures(
                Balance(balance, balance - held, 0, 0, 0, held, "USD")
            )
            assert figures.balance - figures.held == figures.available
            assert figures.available <= balance - held


def test_a_new_organisation_reads_what_to_do(client: Client) -> None:
    text = text_of(client)
    assert "Not set up" in text
    assert "No credits yet." in text
    assert "<svg width" not in text.split('id="lots"')[0]  # no chart of nothing


def test_the_page_shows_balance_lots_calls_and_shares(
    client: Client, busy: Organisation
) -> None:
    text = text_of(client)
    # Twelve calls of ten minutes at 0.021 a minute.
    assert "Service active" in text
    assert '<span class="cur">US$</span>47<span class="dec">.48</span>' in text
    assert "Average per day" in text
    assert "Used next" in text
    assert "of US$50.00" in text
    assert "Place 81" in text
    assert "mei" in text
    assert "1 call · 10 min" in text
    assert "−0.21" in text
    assert "Times shown in Taipei (UTC+8)" in text


def test_rows_of_activity_add_up_to_the_balances_beside_them(
    busy: Organisation,
) -> None:
    overview = read_overview(busy, timezone.now())
    rows = overview.activity
    assert len(rows) == 10
    assert rows[0].balance_after == to_micros("47.48")
    for row, before in pairwise(rows):
        assert row.balance_after - row.amount == before.balance_after


def test_the_past_ends_with_the_balance_and_begins_before_the_credit(
    busy: Organisation,
) -> None:
    table = read_overview(busy, timezone.now()).chart.table
    assert table[-1].balance == to_micros("47.48")
    assert table[0].balance == 0


def test_funds_that_are_over_leave_the_page_at_once(
    client: Client, formosa: Organisation
) -> None:
    now = timezone.now()
    makers.make_lot(formosa, "20", at=now - timedelta(days=40), months=1)
    text = text_of(client)
    assert "US$</span>0<span" in text
    assert "Used next" not in text
    assert "Expired" in text
    assert "−20.00" in text
    assert "Balance used up" in text


def test_the_cost_of_the_page_does_not_grow_with_calls(
    busy: Organisation, pbx: Source, client: Client
) -> None:
    with telephony.counted_statements() as few:
        client.get("/")
    now = timezone.now()
    more = [
        telephony.make_record(seconds=60, at=now - timedelta(hours=hours))
        for hours in range(1, 80)
    ]
    telephony.take_in(pbx, *more, at=now)
    with telephony.counted_statements() as many:
        client.get("/")
    assert len(few) == len(many) <= 8


def test_the_balance_card_refreshes_alone(client: Client, busy: Organisation) -> None:
    answer = client.get("/credits/", headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<section class="card balance"')
    assert "HX-Request" in answer["Vary"]


def test_several_notices_are_counted_and_stand_on_the_overview(
    client: Client, formosa: Organisation
) -> None:
    now = timezone.now()
    for days in (5, 6):
        expires = now + timedelta(days=days)
        makers.make_lot(formosa, "20", at=now, expires_at=expires)
    assert "1 more" in text_of(client)
    assert text_of(client, "/").count("US$20.00 expires on") == 2


def test_news_of_purchases_stand_on_the_page_for_a_day(
    client: Client, formosa: Organisation
) -> None:
    now = timezone.now()
    makers.make_lot(formosa, "50", kind=LotKind.PURCHASE, at=now - timedelta(hours=2))
    assert "US$50.00 added." in text_of(client)
    makers.make_top_up(formosa, "70", state=TopUpState.PROCESSING, at=now)
    with transaction.atomic():
        note_incoming(formosa.pk)
    text = text_of(client)
    assert "US$70.00 is being checked." in text
    assert "1 more" in text


def test_yesterdays_purchase_is_no_news(client: Client, formosa: Organisation) -> None:
    then = timezone.now() - timedelta(hours=25)
    makers.make_lot(formosa, "50", kind=LotKind.PURCHASE, at=then)
    assert "US$50.00 added." not in text_of(client)


# --- the download -----------------------------------------------------------------


def test_activity_downloads_as_a_table_that_spreadsheets_open(
    client: Client, formosa: Organisation
) -> None:
    makers.make_lot(formosa, "50.5", at=NOW, reference="=cmd|' /C calc'!A0")
    answer = client.get("/credits/activity.csv")
    content = b"".join(answer.streaming_content).decode("utf-8")  # type: ignore[attr-defined]
    assert content.startswith("\ufeff")
    [row] = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")))
    assert row["booked_at_utc"] == "2026-03-10T08:00:00Z"
    assert row["booked_at_local"] == "2026-03-10 16:00:00"
    assert (row["kind"], row["amount"]) == ("promotional", "50.500000")
    assert (row["currency"], row["ledger_balance"]) == ("USD", "50.500000")
    assert row["reference"] == "'=cmd|' /C calc'!A0"
    assert "attachment" in answer["Content-Disposition"]
