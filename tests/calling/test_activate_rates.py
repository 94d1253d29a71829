"""Decks come into force once, by a second person, and go back as new versions."""

from datetime import timedelta

import pytest

from accounts.models import AuditEvent, Organisation, User
from calling.activate_rates import (
    AlreadyActivated,
    CardHasChanged,
    NothingToActivate,
    SecondPersonNeeded,
    activate_deck,
    deck_of,
    restore_version,
)
from calling.cards import read_cards
from calling.models import (
    DeckMapping,
    DeckMode,
    DeckUpload,
    Line,
    Rate,
    RateCardVersion,
    RejectedRow,
    Source,
)
from calling.preview_rates import preview_deck, preview_version
from calling.quote import quote
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    make_card,
    make_record,
    take_in,
)
from tests.makers import START, make_user

DECK = b"prefix,destination,rate_per_minute\n81,Japan,0.03\n44,UK,0.012\n1,USA,0.01\n"
REASON = "agreed with the carrier"
MEI = "+886223456789"


@pytest.fixture
def uma(db: None) -> User:
    """Uploads decks, and may not do more."""
    return make_user("uma@provider.example", is_staff=True)


@pytest.fixture
def ana(db: None) -> User:
    """Activates them."""
    user = make_user("ana@provider.example", is_staff=True)
    user.is_superuser = True
    user.save()
    return user


def upload(
    card: RateCardVersion, by: User, raw: bytes = DECK, **more: object
) -> DeckUpload:
    facts: dict[str, object] = {
        "profile": "tollgate",
        "file_name": "deck.csv",
        "uploaded_at": START,
        **more,
    }
    return DeckUpload.objects.create(
        card=card.card, content=raw, uploaded_by=by, **facts
    )


def test_an_upload_changes_no_price_until_it_is_activated(
    card: RateCardVersion, uma: User, ana: User
) -> None:
    deck = upload(card, uma)
    assert RateCardVersion.objects.count() == 1
    result = activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    (version,) = result.versions
    assert (version.number, version.valid_from) == (2, MORNING)
    deck.refresh_from_db()
    assert (deck.activated_by, deck.activated_at, deck.version) == (
        ana,
        MORNING,
        version,
    )
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.reason) == ("activate_rates", ana, REASON)
    assert event.object == "Standard v2"


def test_it_happens_once(card: RateCardVersion, uma: User, ana: User) -> None:
    deck = upload(card, uma)
    activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    with pytest.raises(AlreadyActivated):
        activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    assert RateCardVersion.objects.count() == 2


def test_a_second_person_is_needed_as_long_as_there_is_one(
    card: RateCardVersion, ana: User
) -> None:
    deck = upload(card, ana)
    other = make_user("otto@provider.example", is_staff=True)
    other.is_superuser = True
    other.save()
    with pytest.raises(SecondPersonNeeded):
        activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    assert RateCardVersion.objects.count() == 1
    other.is_active = False
    other.save()
    activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    assert RateCardVersion.objects.count() == 2


def test_what_was_previewed_is_what_is_activated(
    card: RateCardVersion, uma: User, ana: User
) -> None:
    deck = upload(card, uma)
    make_card([{"prefix": "81", "rate": "7"}], valid_from=MORNING - timedelta(days=1))
    with pytest.raises(CardHasChanged):
        activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    deck.refresh_from_db()
    assert deck.activated_at is None
    assert not RejectedRow.objects.exists()


def test_the_same_rates_again_are_refused(
    card: RateCardVersion, uma: User, ana: User
) -> None:
    first, second = upload(card, uma), upload(card, uma)
    done = activate_deck(first, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    with pytest.raises(NothingToActivate):
        activate_deck(
            second, basis=done.versions[0].pk, actor=ana, reason=REASON, at=LATER
        )


def test_a_deck_of_changes_leaves_the_rest(
    card: RateCardVersion, uma: User, ana: User
) -> None:
    raw = b"prefix,destination,rate_per_minute\n81,Japan,0.03\n"
    deck = upload(card, uma, raw, mode=DeckMode.CHANGES)
    (version,) = activate_deck(
        deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING
    ).versions
    assert version.rate_count == card.rate_count
    changed = version.rates.get(prefix="81")
    assert (changed.rate_per_minute, changed.held_since) == (30_000, MORNING)
    assert version.rates.get(prefix="447500").held_since == START


def test_a_supplier_s_mapping_reads_the_file(
    card: RateCardVersion, uma: User, ana: User
) -> None:
    mapping = DeckMapping.objects.create(
        name="ACME",
        columns={"rate": "Preis"},
        decimal_comma=True,
        date_format="%d.%m.%Y",
    )
    raw = (
        b"Destination;Country Code;Area codes;Preis;Effective Date;Change\n"
        b'Japan;81;"70,90-91";0,11;01.04.2026;I\n'
    )
    deck = upload(card, uma, raw, profile="carrier", mapping=mapping, mode="changes")
    (version,) = activate_deck(
        deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING
    ).versions
    assert version.valid_from.isoformat() == "2026-04-01T00:00:00+00:00"
    prices = version.rates.filter(prefix__startswith="81").values_list(
        "prefix", "rate_per_minute"
    )
    assert dict(prices) == {
        "81": 21_000,
        "8170": 110_000,
        "8190": 110_000,
        "8191": 110_000,
    }


# --- the preview ----------------------------------------------------------------------


@pytest.mark.usefixtures("mei")
def test_a_preview_reprices_last_month_and_names_the_gaps(
    card: RateCardVersion, pbx: Source, formosa: Organisation, uma: User
) -> None:
    give_credit(formosa, "50")
    take_in(
        pbx,
        make_record(seconds=60),
        make_record(seconds=61),
        make_record(seconds=60, callee="+447500123456"),
        make_record(seconds=60, callee="+886212345678"),
        make_record(seconds=60, answered=False),
    )
    deck = upload(card, uma)
    found = preview_deck(deck_of(deck), card.card, valid_from=None, at=LATER)
    traffic = found.traffic
    # Japan by the minute and the UK's mobile at the price of its landlines.
    assert (traffic.calls, traffic.uncovered) == (4, 1)
    assert traffic.cost == 21_000 + 42_000 + 391_000 + 20_000
    assert traffic.new_cost == 30_000 + 60_000 + 12_000
    assert traffic.gaps == [("+8862", 1)]
    assert "447500" in {lost.prefix for lost in found.difference.lost}
    assert found.basis == card
    assert RateCardVersion.objects.count() == 1


def test_a_preview_names_versions_that_wait(card: RateCardVersion, uma: User) -> None:
    later = make_card([{"prefix": "1"}], valid_from=LATER + timedelta(days=9))
    deck = upload(card, uma)
    found = preview_deck(deck_of(deck), card.card, valid_from=None, at=LATER)
    assert found.scheduled == [later]


# --- rolling back ---------------------------------------------------------------------


def test_rolling_back_is_a_new_version_of_the_old_rates(
    card: RateCardVersion, ana: User
) -> None:
    wrong = make_card([{"prefix": "81", "rate": "9"}], valid_from=MORNING)
    shown = preview_version(card, valid_from=None, at=LATER)
    assert (shown.basis, shown.difference.cheaper) == (wrong, 1)
    made = restore_version(
        card, valid_from=None, basis=wrong.pk, actor=ana, reason=REASON, at=LATER
    )
    assert (made.number, made.restores, made.valid_from) == (3, card, LATER)
    assert made.rate_count == card.rate_count
    kept = {"id", "version_id", "held_since", "_state"}
    for old in card.rates.all():
        new = made.rates.get(prefix=old.prefix)
        for name, value in vars(old).items():
            assert name in kept or getattr(new, name) == value
    event = AuditEvent.objects.get()
    assert event.verb == "roll_back_rates"
    assert event.after is not None
    assert event.after["restores"] == 1


def test_rolling_back_to_what_is_in_force_is_refused(
    card: RateCardVersion, ana: User
) -> None:
    with pytest.raises(NothingToActivate):
        restore_version(
            card, valid_from=None, basis=card.pk, actor=ana, reason=REASON, at=LATER
        )
    with pytest.raises(CardHasChanged):
        restore_version(
            card, valid_from=None, basis=None, actor=ana, reason=REASON, at=LATER
        )
    assert RateCardVersion.objects.count() == 1


def test_a_roll_back_in_the_past_begins_now(card: RateCardVersion, ana: User) -> None:
    wrong = make_card([{"prefix": "81", "rate": "9"}], valid_from=MORNING)
    made = restore_version(
        card, valid_from=START, basis=wrong.pk, actor=ana, reason=REASON, at=LATER
    )
    assert made.valid_from == LATER


# --- what calls cost ------------------------------------------------------------------


@pytest.mark.usefixtures("mei")
def test_a_price_that_changes_in_the_middle_of_a_call_does_not_change_the_call(
    card: RateCardVersion, pbx: Source, formosa: Organisation, uma: User, ana: User
) -> None:
    give_credit(formosa, "50")
    change = MORNING + timedelta(minutes=5)
    deck = upload(card, uma, valid_from=change)
    activate_deck(deck, basis=card.pk, actor=ana, reason=REASON, at=MORNING)
    before = make_record("before", seconds=600, at=change - timedelta(seconds=1))
    after = make_record("after", seconds=600, at=change)
    take_in(pbx, before, after)
    assert charge_of("before").rated_amount == 210_000
    assert charge_of("after").rated_amount == 300_000
    for record_id, at in (("before", before.started_at), ("after", after.started_at)):
        quoted = quote(caller=MEI, callee="+81312345678", seconds=600, at=at)
        assert quoted.cost == charge_of(record_id).rated_amount


@pytest.mark.usefixtures("card")
def test_an_own_card_wins_for_its_purpose_only(formosa: Organisation) -> None:
    own = make_card([{"prefix": "81", "rate": "5"}], name="Own", organisation=formosa)
    cards = read_cards([formosa.pk], ["USD"])
    calling = cards.table(formosa.pk, "USD", "calling", LATER)
    assert calling is not None
    assert calling.version_id == own.pk
    assert cards.table(formosa.pk, "USD", "conference", LATER) is None


@pytest.mark.usefixtures("mei")
def test_a_longest_number_limits_its_rate(mei: Line, formosa: Organisation) -> None:
    version = make_card([{"prefix": "81", "rate": "1"}], valid_from=START)
    Rate.objects.create(
        version=version,
        prefix="8131",
        destination="Short",
        rate_per_minute=5_000_000,
        longest_number=10,
    )
    costs = [
        quote(caller=MEI, callee=callee, seconds=60, at=MORNING).cost
        for callee in ("+8131234567", "+81312345678")
    ]
    assert costs == [5_000_000, 1_000_000]
