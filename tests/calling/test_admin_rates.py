"""Staff bring rates into force: upload, look, confirm once, and go back (rule 6.1)."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from calling.choose_default_card import NotForEverybody, choose_default_card
from calling.decks.registry import PROFILES
from calling.decks.sheet import CHARSETS
from calling.models import (
    DeckMapping,
    DeckProfile,
    DeckUpload,
    RateCard,
    RateCardVersion,
)
from calling.models.decks import Charset
from tests.calling.telephony import make_card
from tests.makers import START, make_user

REASON = "Agreed with the carrier on 2 March"
DECK = "prefix,destination,rate_per_minute\n81,Japan,0.03\nx,Nowhere,1\n"
UPLOADS = "/admin/calling/deckupload/"
VERSIONS = "/admin/calling/ratecardversion/"
CARDS = "/admin/calling/ratecard/"


def member_of_staff(*permissions: str, is_superuser: bool = False) -> Client:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    User.objects.filter(pk=user.pk).update(is_superuser=is_superuser)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False  # tested where it belongs


@pytest.fixture
def uploader(db: None) -> Client:
    return member_of_staff("import_ratedeck")


@pytest.fixture
def activator(db: None) -> Client:
    return member_of_staff("activate_ratedeck", "view_ratecardversion", "view_ratecard")


def text_of(answer: Any) -> str:
    body = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return unescape(re.sub(r"\s+", " ", body))


def hand_in(client: Client, card: RateCardVersion, **more: Any) -> Any:
    file = SimpleUploadedFile("deck.csv", more.pop("raw", DECK.encode()))
    sent = {
        "card": card.card_id,
        "profile": "tollgate",
        "mode": "changes",
        "file": file,
    }
    return client.post(f"{UPLOADS}add/", {**sent, **more}, follow=True)


def confirm(client: Client, path: str, page: Any, **more: Any) -> Any:
    """Sends the form of a page that was shown."""
    hidden = dict(
        re.findall(
            r'<input type="hidden" name="(once|basis|shown_for)" value="([^"]*)">',
            page.content.decode(),
        )
    )
    return client.post(path, {**hidden, "reason": REASON, **more}, follow=True)


def test_an_upload_shows_what_it_would_change_and_changes_nothing(
    uploader: Client, card: RateCardVersion
) -> None:
    text = text_of(hand_in(uploader, card))
    assert "UTF-8 · comma" in text
    assert "81 Japan US$0.063 US$0.09 +42.8" in text
    assert "Line 3: prefix x is not a prefix of digits." in text
    assert "Activate these rates" not in text  # not with this permission
    assert RateCardVersion.objects.count() == 1
    assert bytes(DeckUpload.objects.get().content) == DECK.encode()


def test_a_second_person_activates_it_once_with_a_reason(
    uploader: Client, activator: Client, card: RateCardVersion
) -> None:
    hand_in(uploader, card)
    path = f"{UPLOADS}{DeckUpload.objects.get().pk}/change/"
    assert uploader.post(path, {"reason": REASON}).status_code == 403
    page = activator.get(path)
    short = text_of(confirm(activator, path, page, reason="because"))
    assert "at least 10 characters" in short
    assert RateCardVersion.objects.count() == 1
    page = activator.get(path)
    assert "Standard v2 is in force from" in text_of(confirm(activator, path, page))
    assert AuditEvent.objects.get(verb="activate_rates").reason == REASON
    again = text_of(confirm(activator, path, page))
    assert "nothing was done again" in again
    assert RateCardVersion.objects.count() == 2
    assert "Activate these rates" not in text_of(activator.get(path))


def test_who_uploaded_does_not_activate_while_there_are_others(
    activator: Client, card: RateCardVersion
) -> None:
    both = member_of_staff("import_ratedeck", "activate_ratedeck")
    hand_in(both, card)
    path = f"{UPLOADS}{DeckUpload.objects.get().pk}/change/"
    text = text_of(confirm(both, path, both.get(path)))
    assert "somebody else has to activate it" in text
    assert RateCardVersion.objects.count() == 1


def test_what_nobody_saw_is_not_confirmed(
    uploader: Client, activator: Client, card: RateCardVersion
) -> None:
    hand_in(uploader, card)
    path = f"{UPLOADS}{DeckUpload.objects.get().pk}/change/"
    page = activator.get(path)
    make_card([{"prefix": "81", "rate": "7"}], valid_from=timezone.now())
    text = text_of(confirm(activator, path, page))
    assert "The card has got another version since you looked" in text
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"valid_from": "2020-01-01 00:00"}, "choose a later moment"),
        ({"raw": b""}, "empty"),
        ({"raw": b"x" * 20_000_001}, "larger than 20 MB"),
        ({"mode": "sideways"}, "Select a valid choice"),
    ],
)
def test_an_upload_that_cannot_be_meant_is_refused(
    uploader: Client, card: RateCardVersion, more: dict[str, Any], sentence: str
) -> None:
    assert sentence in text_of(hand_in(uploader, card, **more))
    assert not DeckUpload.objects.exists()


@pytest.mark.parametrize(
    "raw", [b"a;b\n1;2\n", b"PK\x03\x04", b"\xff\xfe\x00", "前缀\n".encode("gb18030")]
)
def test_a_file_that_cannot_be_read_says_why_and_leads_to_the_mapping(
    uploader: Client, card: RateCardVersion, raw: bytes
) -> None:
    answer = hand_in(uploader, card, raw=raw, profile="carrier")
    assert answer.status_code == 200
    assert "Say how this supplier's files are to be read" in text_of(answer)


def test_a_supplier_brings_its_profile_and_charset(
    uploader: Client, card: RateCardVersion
) -> None:
    supplier = DeckMapping.objects.create(
        name="ACME", charset="gb18030", columns={"destination": "地区", "rate": "费率"}
    )
    raw = "地区;code;费率\n日本;81;0.03\n".encode("gb18030")
    text = text_of(hand_in(uploader, card, raw=raw, mapping=supplier.pk))
    assert "GB18030 · semicolon" in text
    assert "81 日本 US$0.063 US$0.09" in text
    assert DeckUpload.objects.get().profile == DeckProfile.CARRIER


def test_decks_are_for_those_who_may(card: RateCardVersion) -> None:
    stranger = member_of_staff("view_ratecardversion")
    assert stranger.get(UPLOADS).status_code == 403
    assert stranger.get(f"{UPLOADS}add/").status_code == 403
    assert "Roll back" not in text_of(stranger.get(VERSIONS))


# --- rolling back ---------------------------------------------------------------------


def test_rolling_back_shows_before_and_after_and_happens_once(
    activator: Client, card: RateCardVersion
) -> None:
    now = timezone.now()
    wrong = make_card(
        [{"prefix": "81", "rate": "9"}], valid_from=now - timedelta(hours=1)
    )
    asked = {"action": "roll_back", "_selected_action": [card.pk]}
    page = activator.post(VERSIONS, asked)
    assert f"Compared with {wrong}" in text_of(page)
    assert "81 Place 81 US$27.00 US$0.063 -99.7" in text_of(page)
    assert RateCardVersion.objects.count() == 2
    done = confirm(activator, VERSIONS, page, **asked, confirmed="yes")
    assert "Standard v3 is in force from" in text_of(done)
    assert RateCardVersion.objects.get(number=3).restores == card
    assert AuditEvent.objects.get(verb="roll_back_rates").reason == REASON
    confirm(activator, VERSIONS, page, **asked, confirmed="yes")
    assert RateCardVersion.objects.count() == 3


def test_another_date_is_shown_before_it_is_confirmed(
    activator: Client, card: RateCardVersion
) -> None:
    later = timezone.now() + timedelta(days=30)
    scheduled = make_card([{"prefix": "81", "rate": "9"}], valid_from=later)
    asked = {"action": "roll_back", "_selected_action": [card.pk], "confirmed": "yes"}
    asked["valid_from"] = f"{later + timedelta(days=1):%Y-%m-%d %H:%M}"
    page = activator.post(
        VERSIONS, {"action": "roll_back", "_selected_action": [card.pk]}
    )
    page = confirm(activator, VERSIONS, page, **asked)
    assert f"Compared with {scheduled}" in text_of(page)
    assert RateCardVersion.objects.count() == 2
    confirm(activator, VERSIONS, page, **asked)
    made = RateCardVersion.objects.get(number=3)
    assert made.valid_from > later


def test_one_version_at_a_time(activator: Client, card: RateCardVersion) -> None:
    other = make_card([{"prefix": "81", "rate": "9"}])
    asked = {"action": "roll_back", "_selected_action": [card.pk, other.pk]}
    answer = activator.post(VERSIONS, asked, follow=True)
    assert "Choose one version to roll back to." in text_of(answer)


# --- cards ----------------------------------------------------------------------------


def test_a_card_of_one_s_own_is_added_in_the_organisation_s_currency(
    formosa: Organisation,
) -> None:
    staff = member_of_staff(is_superuser=True)
    sent = {"name": "Own", "purpose": "calling", "organisation": formosa.pk}
    wrong = staff.post(f"{CARDS}add/", {**sent, "currency": "EUR"})
    assert "Formosa Tea Trading pays in USD." in text_of(wrong)
    staff.post(f"{CARDS}add/", {**sent, "currency": "USD"})
    card = RateCard.objects.get()
    assert (card.organisation, card.is_default) == (formosa, False)
    again = staff.post(f"{CARDS}add/", {**sent, "name": "B", "currency": "USD"})
    assert "already has a card for this purpose" in text_of(again)


def test_the_default_changes_with_a_reason(
    activator: Client, card: RateCardVersion, formosa: Organisation
) -> None:
    RateCard.objects.create(name="Other", currency="USD", purpose="calling")
    other = make_card([{"prefix": "1"}], name="Other")
    asked = {"action": "make_default", "_selected_action": [other.card_id]}
    assert "From the next call on" in text_of(activator.post(CARDS, asked))
    activator.post(CARDS, {**asked, "confirmed": "yes", "reason": REASON})
    defaults = RateCard.objects.filter(is_default=True)
    assert [one.name for one in defaults] == ["Other"]
    event = AuditEvent.objects.get(verb="choose_default_card")
    assert event.before == {"default": "Standard"}


def test_an_own_card_or_an_empty_one_is_nobody_else_s(
    activator: Client, card: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    own = make_card([{"prefix": "1"}], name="Own", organisation=formosa)
    with pytest.raises(NotForEverybody):
        choose_default_card(own.card, actor=alice, reason=REASON, at=START)
    empty = RateCard.objects.create(name="Empty", currency="USD", purpose="calling")
    asked = {"action": "make_default", "_selected_action": [empty.pk]}
    sent = {**asked, "confirmed": "yes", "reason": REASON}
    answer = activator.post(CARDS, sent, follow=True)
    assert "This card has no rates in force." in text_of(answer)
    assert RateCard.objects.get(is_default=True) == card.card


def test_every_profile_and_charset_can_be_chosen() -> None:
    assert set(DeckProfile.values) == set(PROFILES)
    assert tuple(Charset.values) == CHARSETS
    for name in CHARSETS:
        "a".encode(name)
