"""Domestic areas and zone A are what staff keep (rules 1.5, 6.3 and 7.2)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Organisation
from calling.call_areas import call_areas, forget_call_areas
from calling.models import Bucket, CallCountry, Purpose, Source
from calling.regions import is_domestic, is_in_zone_a
from tests.calling.telephony import (
    charge_of,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)
from tests.calling.test_admin import path, staff

__all__ = ["staff"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    forget_call_areas()
    yield
    forget_call_areas()


def decide(country: str, **facts: object) -> None:
    CallCountry.objects.update_or_create(country=country, defaults=facts)
    forget_call_areas()


def test_the_seed_is_the_demo_catalogue_s() -> None:
    assert is_domestic("+14165550100", "US")
    assert is_in_zone_a("+81312345678")
    assert not is_in_zone_a("+18765550100")
    assert set(call_areas().domestic) == {"US", "CA", "PR"}


def test_countries_without_an_area_are_domestic_to_themselves() -> None:
    assert is_domestic("+886223456789", "TW")
    assert not is_domestic("+81312345678", "TW")
    assert not is_domestic("+87012345678", "TW")  # a satellite has no country


def test_rule_6_3_an_area_that_staff_make_makes_its_calls_domestic(
    pbx: Source, formosa: Organisation
) -> None:
    make_card([{"prefix": "852", "rate": "0.06"}])
    mei = make_line(formosa, "+886223456789")
    give_plan(mei, {Bucket.DOMESTIC: 10})
    take_in(pbx, make_record("before", callee="+85221234567"))
    decide("TW", domestic_area="greater-taipei")
    decide("HK", domestic_area="greater-taipei")
    take_in(pbx, make_record("after", callee="+85221234567"))
    assert charge_of("before").kind == "international"
    assert charge_of("after").kind == "domestic"
    assert charge_of("after").pool_seconds == 60


def test_rule_7_2_zone_a_is_where_conference_minutes_dial_out(
    pbx: Source, formosa: Organisation
) -> None:
    make_card([{"prefix": "1876"}], name="C", purpose=Purpose.CONFERENCE)
    mei = make_line(formosa, "+886223456789")
    give_plan(mei, {Bucket.CONFERENCE: 10}, family="audio")
    record = {"callee": "+18765550100", "kind": "conference_out"}
    take_in(pbx, make_record("before", **record))  # type: ignore[arg-type]
    decide("JM", is_in_zone_a=True)
    take_in(pbx, make_record("after", **record))  # type: ignore[arg-type]
    assert charge_of("before").pool_seconds == 0
    assert charge_of("after").pool_seconds == 60


def test_they_are_read_once_for_any_number_of_questions() -> None:
    with CaptureQueriesContext(connection) as captured:
        for _ in range(1000):
            is_domestic("+14165550100", "US")
            is_in_zone_a("+81312345678")
    assert len(captured) == 1


def test_staff_change_them_and_it_holds_at_once(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    assert not is_domestic("+525512345678", "US")
    form = {"country": "MX", "domestic_area": "us-ca-pr", "is_in_zone_a": "on"}
    mexico = CallCountry.objects.get(country="MX")
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(path(CallCountry, "change", mexico.pk), form)
    assert answer.status_code == 302
    assert is_domestic("+525512345678", "US")
    event = AuditEvent.objects.get(verb="decide_call_country")
    assert (event.object, event.before, event.after) == (
        "country:MX",
        {"country": "MX", "domestic_area": "", "is_in_zone_a": True},
        {"country": "MX", "domestic_area": "us-ca-pr", "is_in_zone_a": True},
    )


def test_staff_add_a_country_and_bad_words_are_refused(staff: Client) -> None:
    page = staff.post(path(CallCountry, "add"), {"country": "japan"})
    assert "at most 2 characters" in page.content.decode()
    twice = staff.post(path(CallCountry, "add"), {"country": "US"})
    assert "already exists" in twice.content.decode()
    staff.post(path(CallCountry, "add"), {"country": "JM", "is_in_zone_a": "on"})
    assert CallCountry.objects.get(country="JM").is_in_zone_a
