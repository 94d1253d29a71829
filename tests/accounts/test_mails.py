"""Every mail: words in both languages, text and HTML, no fact missing (rule 11)."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from pytest_django.fixtures import Settings

from accounts.models import Language, Notice, NoticeKind, Organisation
from accounts.send import compose
from tests.accounts.mail_facts import FACTS, Facts, every_mail
from tests.makers import START

MAILS = every_mail()
NAMES = [f"{kind}-{number}" for number, (kind, _facts) in enumerate(MAILS)]
WORDS = Path(settings.BASE_DIR) / "templates" / "email"


def mail_of(
    organisation: Organisation,
    kind: NoticeKind,
    facts: Facts,
    language: Language = Language.ENGLISH,
) -> tuple[EmailMultiAlternatives, str]:
    """The message and its HTML."""
    notice = Notice(
        pk=1,
        organisation=organisation,
        kind=kind,
        recipient="reader@formosa.example",
        language=language,
        context=facts,
        created_at=START,
    )
    message = compose(notice)
    (html, _mime) = message.alternatives[0]
    return message, str(html)


@pytest.fixture
def loud_about_missing_facts(settings: Settings) -> str:
    """A fact that a template asks for and nobody handed in shows as this mark."""
    mark = "@@%s@@"
    settings.TEMPLATES = [
        {
            **engine,
            "OPTIONS": {**engine.get("OPTIONS", {}), "string_if_invalid": mark},
        }
        for engine in settings.TEMPLATES
    ]
    return "@@"


@pytest.mark.parametrize(("kind", "facts"), MAILS, ids=NAMES)
@pytest.mark.parametrize("language", list(Language))
def test_every_mail_has_text_and_html_without_images(
    formosa: Organisation, kind: NoticeKind, facts: Facts, language: Language
) -> None:
    formosa.name = "Ben & <Jerry>"
    message, html = mail_of(formosa, kind, facts, language)
    assert message.subject
    assert "\n" not in message.subject
    text = str(message.body)
    if kind not in {NoticeKind.WEBHOOK_DISABLED, NoticeKind.CARD_EXPIRING}:
        assert "Ben & <Jerry>" in text
    assert "Ben &amp; &lt;Jerry&gt;" in html
    assert "<Jerry>" not in html
    assert "<img" not in html
    assert "http://testserver/top-ups/1/" in html
    assert "http://testserver/top-ups/1/" in text
    assert "\n\n\n" not in text
    assert "<p></p>" not in html
    assert f'lang="{"zh-Hant" if language != "en" else "en"}"' in html


@pytest.mark.parametrize(("kind", "facts"), MAILS, ids=NAMES)
@pytest.mark.usefixtures("loud_about_missing_facts")
def test_no_mail_asks_for_a_fact_that_it_was_not_handed(
    formosa: Organisation, kind: NoticeKind, facts: Facts
) -> None:
    message, html = mail_of(formosa, kind, facts)
    assert "@@" not in message.subject + str(message.body) + html


def test_each_kind_has_its_words_and_nothing_else() -> None:
    folders = {path.name for path in WORDS.iterdir() if path.is_dir()}
    assert folders == set(NoticeKind.values)
    for folder in folders:
        files = {path.name for path in (WORDS / folder).iterdir()}
        assert files == {"subject.txt", "body.txt"}, folder


def test_the_facts_of_the_tests_are_those_the_kinds_demand() -> None:
    assert {name for kind in NoticeKind for name in kind.facts} == FACTS.keys()


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (NoticeKind.RECEIPT, "US$2,000.00 added (receipt R-2026-0117)"),
        (NoticeKind.RECHARGE_DECLINED, "Card declined: next try 15:12"),
        (NoticeKind.RECHARGE_PAUSED, "Auto-recharge paused after 4 declines"),
        (NoticeKind.RECHARGE_ACTION_REQUIRED, "Approve payment of US$2,000.00"),
        (NoticeKind.RECHARGE_CAPPED, "Recharge limit for November reached"),
        (NoticeKind.LOW_BALANCE, "Available balance low: about 4 days left"),
        (NoticeKind.BALANCE_ZERO, "Paid calls stopped"),
        (NoticeKind.CREDITS_EXPIRING, "US$2,000.00 expires in 7 days"),
        (NoticeKind.CARD_EXPIRING, "Visa ending 4242 expires this month"),
        (NoticeKind.REFUND_DONE, "US$2,000.00 refunded"),
        (NoticeKind.RATES_CHANGE, "New rates from 1 December 2026"),
    ],
)
def test_the_subject_carries_the_fact(
    formosa: Organisation, kind: NoticeKind, subject: str
) -> None:
    facts = {name: FACTS[name] for name in kind.facts}
    assert mail_of(formosa, kind, facts)[0].subject == subject


def test_the_mail_of_a_stop_names_the_minute_and_what_goes_on(
    formosa: Organisation,
) -> None:
    kind = NoticeKind.BALANCE_ZERO
    facts = {name: FACTS[name] for name in kind.facts}
    text = str(mail_of(formosa, kind, facts)[0].body)
    assert "used up on 22 November 2026 at 14:07" in text
    assert "calling plans and emergency calls still work" in text


@pytest.mark.parametrize(
    ("unused", "said"),
    [
        (409_000_000, "about US$409.00 of it will not be used"),
        (0, "nothing should be lost"),
        ("", "not enough usage yet to say"),
    ],
)
def test_a40_an_expiry_notice_always_says_what_will_be_lost(
    formosa: Organisation, unused: int | str, said: str
) -> None:
    kind = NoticeKind.CREDITS_EXPIRING
    facts = {name: FACTS[name] for name in kind.facts} | {"unused": unused}
    message, html = mail_of(formosa, kind, facts)
    assert said in str(message.body)
    assert re.search(r"Expired funds\s+cannot be restored", html)
