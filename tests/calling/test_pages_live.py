"""Calls in progress, and calls that were not let through, for customers (9.2, 9.4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from calling.live.live_calls import MOST_ROWS
from calling.models import DeniedCall, Line
from tests.calling.plans import signed_in
from tests.calling.telephony import counted_statements
from tests.calling.test_pages_lines import plain, text_of
from tests.makers import make_hold, make_lot, make_organisation

PAGE = "/live-calls/"


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


def deny(organisation: Organisation, code: str, **facts: object) -> DeniedCall:
    given = {"callee": "+81312345678", "caller": "+886223456789", "source_id": 1}
    given |= {"call_key": "pbx:1", "asked_at": timezone.now(), **facts}
    return DeniedCall.objects.create(organisation=organisation, code=code, **given)


def test_a_call_in_progress_says_who_since_when_until_when_and_what_it_holds(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    at = timezone.now().replace(hour=3, minute=0, second=0)
    make_lot(formosa, "10", at=at)
    numbers: dict[str, Any] = {"caller": "+886223456789", "callee": "+81312345678"}
    make_hold(formosa, "1.5", at=at, line_id=mei.pk, pool_seconds=90, **numbers)
    text = text_of(client, PAGE)
    assert "1 call in progress US$1.50 held" in text
    assert "11:00 +886223456789 → +81312345678 International · mei mei 11:30" in text
    assert "11:30 1:30" in text
    assert "1.500000" in text or "1.50" in text


def test_the_newest_hundred_are_shown_and_all_are_counted(
    client: Client, formosa: Organisation
) -> None:
    with counted_statements() as few:
        client.get(PAGE)
    make_lot(formosa, "10", at=timezone.now())
    for number in range(MOST_ROWS + 1):
        make_hold(formosa, "0.01", at=timezone.now(), callee=f"+8190{number:07d}")
    with counted_statements() as many:
        html = client.get(PAGE).text
    assert "101 calls in progress" in plain(html)
    assert html.count("→") == MOST_ROWS
    assert "The newest are shown." in html
    assert len(many) <= len(few) + 1  # the names of lines


def test_a_denied_call_says_why_and_what_helps(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    deny(formosa, "no_funding", line_id=mei.pk)
    deny(formosa, "of_old", asked_at=timezone.now() - timedelta(days=6))
    deny(formosa, "too_many_calls", asked_at=timezone.now() - timedelta(days=8))
    text = text_of(client, PAGE)
    assert "There was not enough credit for the call." in text
    assert "Add funds, or turn on auto-recharge" in text
    assert "of_old" in text
    assert "As many calls as allowed" not in text


def test_nothing_of_others_is_shown(client: Client, formosa: Organisation) -> None:
    """Museum B48."""
    other = make_organisation()
    make_hold(other, callee="+81399999999", at=timezone.now())
    deny(other, "no_funding", callee="+81388888888")
    text = text_of(client, PAGE)
    assert "0 calls in progress" in text
    assert "No call is in progress." in text
    assert "Every call was let through." in text
    assert "+813" not in text


def test_htmx_gets_the_tables_alone(client: Client, formosa: Organisation) -> None:
    answer = client.get(PAGE, headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith('<div class="form" id="live"')
    assert "HX-Request" in answer["Vary"]


def test_the_credits_page_leads_to_live_calls(
    client: Client, formosa: Organisation
) -> None:
    make_lot(formosa, "10", at=timezone.now())
    assert "live call" not in text_of(client, "/credits/")
    for amount in ("1", "0"):
        make_hold(formosa, amount, at=timezone.now())
    html = client.get("/credits/").text
    assert "Held for 2 live calls US$1.00" in plain(html)
    assert f'href="{PAGE}"' in html


def test_a_viewer_sees_them_and_a_stranger_signs_in(
    bob: User, formosa: Organisation
) -> None:
    assert "calls in progress" in text_of(signed_in(bob), PAGE)
    answer = Client().get(PAGE)
    assert answer.status_code == 302
