"""Calling permissions: what a customer bars and limits, and what it only sees (9.1)."""

from datetime import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent, Organisation, User
from calling.models import Barring, CallLimits
from calling.permission.bar_destination import (
    MOST_RULES,
    BarringEntry,
    add_barring,
    change_barring,
    entry_of,
)
from calling.permission.permissions import read_permissions
from calling.permission.set_call_limits import (
    LimitsEntry,
    limits_of,
    set_call_limits,
    set_ceilings,
    set_provider_limits,
)
from calling.permission.set_call_limits import entry_of as told_of
from credits.models import Wallet
from tests.calling.plans import signed_in
from tests.calling.test_pages_lines import plain, text_of
from tests.makers import START, make_organisation

RULE = {
    "name": "Nights",
    "prefix": "+44 70",
    "country": "GB",
    "number_type": "mobile",
    "hour_from": "22:00",
    "hour_until": "06:00",
}
PAGE = "/call-permissions/"


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


def rule_of(organisation: Organisation | None, name: str, **facts: Any) -> Barring:
    return add_barring(organisation, BarringEntry(name, **facts), at=START)


# --- barred destinations --------------------------------------------------------------


def test_a_destination_is_barred_changed_switched_off_and_free_again(
    client: Client, formosa: Organisation
) -> None:
    assert client.post(f"{PAGE}add/", RULE)["Location"] == PAGE
    rule = Barring.objects.get()
    assert (rule.organisation, rule.prefix, rule.country) == (formosa, "4470", "GB")
    assert (rule.hour_from, rule.hour_until) == (time(22), time(6))
    text = text_of(client, PAGE)
    assert "mobile · United Kingdom 22:00 to 06:00 barred" in text

    client.post(f"{PAGE}{rule.pk}/", {**RULE, "hour_from": "", "hour_until": ""})
    client.post(f"{PAGE}{rule.pk}/switch/", {"active": "no"})
    rule.refresh_from_db()
    assert (rule.hour_from, rule.is_active) == (None, False)
    assert "+4470 · mobile · United Kingdom always off" in text_of(client, PAGE)
    client.post(f"{PAGE}{rule.pk}/", {**RULE, "name": "Day"})
    rule.refresh_from_db()
    assert (rule.name, rule.is_active) == ("Day", False)
    client.post(f"{PAGE}{rule.pk}/switch/", {"active": "yes"})
    client.post(f"{PAGE}{rule.pk}/remove/")
    assert "You bar nothing yourself." in text_of(client, PAGE)
    verbs = AuditEvent.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["add_barring", *["change_barring"] * 4, "remove_barring"]
    gone = AuditEvent.objects.get(verb="remove_barring")
    assert gone.before is not None
    assert gone.before["hour_from"] == "22:00"
    assert gone.after is None


def test_the_same_again_changes_nothing(formosa: Organisation) -> None:
    rule = rule_of(formosa, "x", prefix="44")
    change_barring(rule, entry_of(rule), at=START)
    assert AuditEvent.objects.filter(verb="change_barring").count() == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"prefix": "0044"}, "Write digits, the country code first"),
        ({"prefix": "x"}, "Write digits, the country code first"),
        ({"country": "XX"}, "Select a valid choice."),
        ({"hour_until": ""}, "Give two different hours, or none."),
        ({"hour_until": "22:00"}, "Give two different hours, or none."),
        ({"hour_from": "25:00"}, "Enter a valid time."),
        (
            {"prefix": "", "country": "", "number_type": "", "lets_through": "on"},
            "An exception needs a prefix, a class or a country.",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_it(
    client: Client, formosa: Organisation, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post(f"{PAGE}add/", {**RULE, **changes})
    assert answer.status_code == 422
    assert sentence in plain(answer.text)
    assert not Barring.objects.exists()
    rule = rule_of(formosa, "x", prefix="44")
    answer = client.post(f"{PAGE}{rule.pk}/", {**RULE, **changes})
    assert answer.status_code == 422
    rule.refresh_from_db()
    assert rule.name == "x"


def test_there_is_an_end_to_rules(client: Client, formosa: Organisation) -> None:
    some = [Barring(organisation=formosa, name=str(n)) for n in range(MOST_RULES)]
    Barring.objects.bulk_create(some)
    answer = client.post(f"{PAGE}add/", RULE)
    assert "You have 200 rules." in plain(answer.text)


def test_the_provider_s_rules_are_seen_and_never_changed(
    client: Client, formosa: Organisation
) -> None:
    forced = rule_of(None, "Satellites", prefix="881", is_forced=True)
    rule_of(None, "Shared cost", number_type="shared_cost")
    off = rule_of(None, "Of old", prefix="99", is_active=False)
    text = text_of(client, PAGE)
    assert "Satellites always · cannot be lifted +881 always barred No" in text
    assert "Shared cost always shared cost always barred Yes, by an exception" in text
    assert "Premium numbers All premium numbers always barred" in text
    assert off.name not in text
    for address in ("", "switch/", "remove/"):
        answer = client.post(f"{PAGE}{forced.pk}/{address}", RULE)
        assert answer.status_code == 404
    assert Barring.objects.get(pk=forced.pk).name == "Satellites"


def test_nobody_sees_or_changes_another_organisations_rules(
    client: Client, formosa: Organisation
) -> None:
    """Museum B48."""
    theirs = rule_of(make_organisation(), "Theirs", prefix="44")
    assert "Theirs" not in text_of(client, PAGE)
    for address in ("", "switch/", "remove/"):
        assert client.post(f"{PAGE}{theirs.pk}/{address}", RULE).status_code == 404
    theirs.refresh_from_db()
    assert theirs.is_active


def test_a_viewer_sees_and_changes_nothing(bob: User, formosa: Organisation) -> None:
    viewer, rule = signed_in(bob), rule_of(formosa, "Nights", prefix="44")
    text = text_of(viewer, PAGE)
    assert "Nights" in text
    assert "Bar a destination" not in text
    for address in ("add/", "limits/", f"{rule.pk}/", f"{rule.pk}/remove/"):
        assert viewer.post(f"{PAGE}{address}", RULE).status_code == 403
    assert Barring.objects.count() == 1


# --- limits ---------------------------------------------------------------------------

LIMITS = {
    "price_ceiling": "0.125",
    "call_cost": "5",
    "daily_spend": "1,000",
    "longest_call": "90",
    "concurrent_calls": "4",
}


def test_limits_are_saved_shown_and_taken_off(
    client: Client, formosa: Organisation
) -> None:
    assert client.post(f"{PAGE}limits/", LIMITS)["Location"] == PAGE
    limits = CallLimits.objects.get()
    assert (limits.price_ceiling, limits.call_cost) == (125_000, 5_000_000)
    assert (limits.daily_spend, limits.currency) == (1_000_000_000, "USD")
    assert (limits.longest_call_seconds, limits.concurrent_calls) == (5_400, 4)
    html = client.get(PAGE).text
    assert 'value="0.125"' in html
    assert 'value="90"' in html
    assert "Most in a day US$1,000.00" in plain(html)
    assert "Longest call 1:30:00" in plain(html)

    client.post(f"{PAGE}limits/", dict.fromkeys(LIMITS, ""))
    empty = CallLimits.objects.values_list("daily_spend", "concurrent_calls")
    assert list(empty.get()) == [None, None]
    events = AuditEvent.objects.filter(verb="set_call_limits").order_by("pk")
    assert [event.after and event.after["daily_spend"] for event in events] == [
        "1000.000000",
        None,
    ]
    client.post(f"{PAGE}limits/", dict.fromkeys(LIMITS, ""))
    assert AuditEvent.objects.filter(verb="set_call_limits").count() == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price_ceiling": "0,25"}, "Enter a price such as 0.25."),
        ({"price_ceiling": "0.1234567"}, "Enter a price such as 0.25."),
        ({"price_ceiling": "0"}, "A limit is more than nothing."),
        ({"call_cost": "0.001"}, "may mean two amounts"),
        ({"daily_spend": "0"}, "A limit is more than nothing."),
        ({"longest_call": "0"}, "greater than or equal to 1"),
        ({"longest_call": "2000"}, "less than or equal to 1440"),
        ({"concurrent_calls": "x"}, "Enter a whole number."),
    ],
)
def test_a_limit_that_is_none_is_refused(
    client: Client, formosa: Organisation, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post(f"{PAGE}limits/", {**LIMITS, **changes})
    assert answer.status_code == 422
    assert sentence in plain(answer.text)
    assert not CallLimits.objects.exists()


def test_the_stricter_of_both_sides_limits_is_shown(
    client: Client, formosa: Organisation
) -> None:
    set_call_limits(
        formosa,
        LimitsEntry(daily_spend=80_000_000, concurrent_calls=3),
        at=START,
    )
    CallLimits.objects.create(daily_spend=50_000_000, concurrent_calls=10)
    CallLimits.objects.create(for_new=True, concurrent_calls=1)
    text = text_of(client, PAGE)
    assert "Most in a day US$50.00" in text
    assert "Calls at once 3" in text


def test_rule_9_1_a_customer_cannot_loosen_what_the_provider_set_for_it(
    client: Client, formosa: Organisation
) -> None:
    entry = LimitsEntry(125_000, 500_000_000, longest_call_seconds=2_000)
    set_ceilings(formosa, entry, at=START)
    page = text_of(client, PAGE)
    assert "Your provider's ceiling: US$0.125." in page
    assert "beyond plan minutes. Your provider's ceiling: US$500.00." in page
    assert "Most in a day US$500.00" in page
    looser = {"price_ceiling": "0.126", "longest_call": "34", "daily_spend": "500.01"}
    answer = client.post(f"{PAGE}limits/", {**LIMITS, **looser})
    assert answer.status_code == 422
    shown = plain(answer.text)
    assert shown.count("Your provider allows at most US$0.125.") == 2
    assert shown.count("Your provider allows at most 33:20.") == 2
    assert limits_of(formosa) is None
    stricter = {"price_ceiling": "0.125", "longest_call": "33", "daily_spend": "20"}
    assert client.post(f"{PAGE}limits/", {**LIMITS, **stricter}).status_code == 302
    assert "Most in a day US$20.00" in text_of(client, PAGE)
    client.post(f"{PAGE}limits/", dict.fromkeys(LIMITS, ""))
    assert "Most in a day US$500.00" in text_of(client, PAGE)
    assert told_of(limits_of(formosa, by_provider=True)) == entry


def test_limits_for_everybody_are_ceilings_and_those_of_the_first_days_are_not(
    client: Client, formosa: Organisation
) -> None:
    set_provider_limits(
        LimitsEntry(concurrent_calls=10), for_new=False, currency="", at=START
    )
    set_provider_limits(
        LimitsEntry(concurrent_calls=2), for_new=True, currency="", at=START
    )
    set_call_limits(formosa, LimitsEntry(concurrent_calls=10), at=START)
    with pytest.raises(ValidationError) as refused:
        set_call_limits(formosa, LimitsEntry(concurrent_calls=11), at=START)
    assert refused.value.message_dict == {
        "concurrent_calls": ["Your provider allows at most 10."]
    }
    assert told_of(limits_of(formosa)) == LimitsEntry(concurrent_calls=10)


def test_what_the_customer_set_before_stays_below_a_new_ceiling(
    formosa: Organisation,
) -> None:
    set_call_limits(formosa, LimitsEntry(concurrent_calls=50), at=START)
    set_ceilings(formosa, LimitsEntry(concurrent_calls=5), at=START)
    in_force = read_permissions(formosa, at=START)
    assert in_force.limits.concurrent_calls == 5
    assert in_force.provider_limits.concurrent_calls == 5
    assert told_of(limits_of(formosa)).concurrent_calls == 50


def test_limits_of_the_provider_are_counted_as_facts_of_the_organisation(
    formosa: Organisation,
) -> None:
    before = Wallet.objects.get(pk=formosa.pk).facts_version
    set_ceilings(formosa, LimitsEntry(concurrent_calls=5), at=START)
    after = Wallet.objects.get(pk=formosa.pk).facts_version
    assert after > before
    set_ceilings(formosa, LimitsEntry(concurrent_calls=4), at=START)
    assert Wallet.objects.get(pk=formosa.pk).facts_version > after


@pytest.mark.parametrize("by_provider", [True, False])
def test_each_side_has_one_row(formosa: Organisation, *, by_provider: bool) -> None:
    CallLimits.objects.create(organisation=formosa, by_provider=by_provider)
    CallLimits.objects.create(organisation=formosa, by_provider=not by_provider)
    with pytest.raises(IntegrityError), transaction.atomic():
        CallLimits.objects.create(organisation=formosa, by_provider=by_provider)
