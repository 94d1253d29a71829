"""The spending limit: set, changed, removed, and told of at 50, 80 and 100 % (10.4)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import (
    AuditEvent,
    BillingMode,
    Notice,
    NoticeKind,
    Organisation,
    Role,
    User,
)
from accounts.send import compose
from billing.refusals import codes_of
from calling.models import Line, Source, SpendingLimit, UsageDay
from calling.postpaid import invoiced_on, read_postpaid, read_spending
from calling.refusals import NotBilledAfterUse
from calling.spending.set_limit import remove_spending_limit, set_spending_limit
from calling.spending.tell_spending import tell_spending
from credits.money import to_micros
from tests import makers
from tests.calling.plans import signed_in
from tests.calling.telephony import (
    counted_statements,
    make_line,
    make_record,
    take_in,
)

pytestmark = pytest.mark.usefixtures("card")

MAY_16 = datetime(2026, 5, 16, 4, tzinfo=UTC)  # noon in Taipei
HOUR = timedelta(hours=1)
NEAR, REACHED = NoticeKind.SPENDING_LIMIT_NEAR, NoticeKind.SPENDING_LIMIT_REACHED
PAGE = "/spending-limit/"


@pytest.fixture
def lin(contoso: Organisation) -> Line:
    """A phone at Contoso, which is on NCE."""
    return make_line(contoso, "+886223450000", identity="lin")


def limit(
    organisation: Organisation, amount: str, *, is_hard: bool = True
) -> SpendingLimit:
    micros = to_micros(amount)
    return set_spending_limit(organisation, micros, is_hard=is_hard, at=MAY_16)


def talk(pbx: Source, name: str, minutes: int, *, at: datetime = MAY_16) -> None:
    """To the United Kingdom at 0.012 a minute."""
    record = make_record(
        name,
        caller="+886223450000",
        callee="+442079460000",
        seconds=60 * minutes,
        at=at,
    )
    take_in(pbx, record, at=at + HOUR)


def told() -> list[tuple[str, str]]:
    """What was told, one line a message, oldest first."""
    notices = Notice.objects.filter(kind__in=[NEAR, REACHED]).order_by("pk")
    seen = {(one.kind, one.episode): one for one in notices}
    return [
        (one.kind, str(one.context.get("percent", "")))
        for one in sorted(seen.values(), key=lambda one: one.pk)
    ]


# --- the verb -------------------------------------------------------------------------


def test_limit_is_set_changed_and_removed_with_a_trail(
    contoso: Organisation, charlie: User
) -> None:
    for amount in ("100", "100", "150"):
        set_spending_limit(
            contoso,
            to_micros(amount),
            is_hard=True,
            at=MAY_16,
            actor=charlie,
            ip="192.0.2.1",
        )
    for _ in range(2):
        remove_spending_limit(contoso, at=MAY_16, actor=charlie)
    assert not SpendingLimit.objects.exists()
    said = AuditEvent.objects.order_by("pk").values_list("verb", "before", "after")
    hundred = {"amount": "100.000000", "stops_calls": True}
    more = {"amount": "150.000000", "stops_calls": True}
    assert list(said) == [
        ("set_spending_limit", None, hundred),
        ("set_spending_limit", hundred, more),
        ("remove_spending_limit", more, None),
    ]


def test_prepaid_organisation_has_no_spending_limit(formosa: Organisation) -> None:
    with pytest.raises(NotBilledAfterUse):
        limit(formosa, "100")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "spending_limit_positive"),
        ("-1", "spending_limit_positive"),
        ("0.001", "finer_than_step"),
    ],
)
def test_amount_that_is_no_limit_is_refused(
    contoso: Organisation, amount: str, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        limit(contoso, amount)
    assert codes_of(refused.value) == {code}


# --- what counts ----------------------------------------------------------------------


def test_9_5_only_what_is_billed_after_use_counts_in_its_month(
    contoso: Organisation, lin: Line, pbx: Source
) -> None:
    other = makers.make_organisation()
    talk(pbx, "may", 10)
    first_of_june = datetime(2026, 5, 31, 16, tzinfo=UTC)  # midnight in Taipei
    talk(pbx, "last of may", 10, at=first_of_june - timedelta(minutes=1))
    talk(pbx, "june", 10, at=first_of_june)
    may = read_spending(contoso, today=contoso.local_day(MAY_16))
    june = read_spending(contoso, today=contoso.local_day(first_of_june))
    assert (may.spent, june.spent) == (240_000, 120_000)
    assert may.resets_at == first_of_june
    assert read_postpaid([other.pk], may.month) == {}
    assert invoiced_on(contoso, may.month).isoformat() == "2026-06-04"
    assert (may.limit, may.percent, may.is_reached) == (None, 0, False)


def test_correction_takes_off_what_it_undoes(
    contoso: Organisation, lin: Line, pbx: Source
) -> None:
    talk(pbx, "a", 100)
    talk(pbx, "a", 10)
    spent = read_spending(contoso, today=contoso.local_day(MAY_16)).spent
    assert spent == UsageDay.objects.get().postpaid_amount == 120_000


# --- warnings -------------------------------------------------------------------------


def test_10_4_each_share_is_told_once_a_month(
    contoso: Organisation, lin: Line, pbx: Source
) -> None:
    limit(contoso, "1.20")
    for name, minutes in (("40 %", 40), ("50 %", 10), ("60 %", 10), ("80 %", 20)):
        talk(pbx, name, minutes)
        for _ in range(2):
            tell_spending(MAY_16 + HOUR)
    assert told() == [(NEAR, "50"), (NEAR, "80")]
    talk(pbx, "120 %", 40)
    assert tell_spending(MAY_16 + HOUR) == 1
    assert tell_spending(MAY_16 + 2 * HOUR) == 0
    assert told()[2:] == [(REACHED, "")]
    june = datetime(2026, 6, 2, tzinfo=UTC)
    talk(pbx, "june", 60, at=june)
    tell_spending(june + HOUR)
    assert told()[3:] == [(NEAR, "50")]
    mail = compose(Notice.objects.filter(kind=REACHED)[0])
    assert mail.subject == "Paid calls stopped at the spending limit"
    assert "US$1.44" in mail.body
    assert "1 June 2026" in mail.body


def test_10_4_of_shares_passed_at_once_the_highest_is_told(
    contoso: Organisation, lin: Line, pbx: Source
) -> None:
    limit(contoso, "1.20", is_hard=False)
    talk(pbx, "all at once", 90)
    tell_spending(MAY_16 + HOUR)
    assert told() == [(NEAR, "80")]
    talk(pbx, "more", 20)
    tell_spending(MAY_16 + HOUR)
    mail = compose(Notice.objects.filter(kind=REACHED)[0])
    assert mail.subject == "The spending limit is reached"
    assert "Calls go on" in mail.body


def test_changed_limit_warns_anew(
    contoso: Organisation, lin: Line, pbx: Source
) -> None:
    limit(contoso, "1.20")
    talk(pbx, "a", 60)
    tell_spending(MAY_16 + HOUR)
    set_spending_limit(contoso, 1_000_000, is_hard=True, at=MAY_16 + HOUR)
    tell_spending(MAY_16 + 2 * HOUR)
    assert told() == [(NEAR, "50"), (NEAR, "50")]


def test_sweep_takes_the_same_statements_whatever_their_number(
    contoso: Organisation,
) -> None:
    limit(contoso, "1")
    with counted_statements() as few:
        tell_spending(MAY_16)
    for zone in ("Asia/Taipei", "UTC", "America/New_York"):
        one = makers.make_organisation(billing_mode=BillingMode.NCE, time_zone=zone)
        limit(one, "1")
    with counted_statements() as many:
        tell_spending(MAY_16)
    assert len(many) == len(few) == 2


# --- the page -------------------------------------------------------------------------


def test_page_sets_changes_and_removes(contoso: Organisation, charlie: User) -> None:
    client = signed_in(charlie)
    assert "Set a limit" in client.get(PAGE).content.decode()
    client.post(PAGE, {"amount": "1,250.50", "is_hard": "on"})
    saved = SpendingLimit.objects.get()
    assert (saved.amount, saved.is_hard) == (1_250_500_000, True)
    page = client.get(PAGE).content.decode()
    assert "US$1,250.50" in page
    assert 'value="1250.50"' in page
    client.post(PAGE, {"amount": "1250.50"})
    assert not SpendingLimit.objects.get().is_hard
    assert client.post(PAGE, {"amount": "0"}).status_code == 422
    assert client.post(PAGE, {"amount": "1.234"}).status_code == 422
    client.post(PAGE, {"amount": ""})
    assert not SpendingLimit.objects.exists()
    assert AuditEvent.objects.filter(ip="127.0.0.1").count() == 3


def test_viewer_sees_the_limit_and_does_not_change_it(contoso: Organisation) -> None:
    viewer = makers.make_user()
    makers.make_member(contoso, viewer, Role.VIEWER)
    client: Client = signed_in(viewer)
    assert "Save" not in client.get(PAGE).content.decode()
    assert client.post(PAGE, {"amount": "5"}).status_code == 403


def test_prepaid_page_says_why_there_is_none(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in(alice)
    assert str(NotBilledAfterUse.sentence) in client.get(PAGE).content.decode()
    answer = client.post(PAGE, {"amount": "5", "is_hard": "on"})
    assert answer.status_code == 422
    assert not SpendingLimit.objects.exists()


def test_staff_see_the_limits_and_change_none(
    contoso: Organisation, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    limit(contoso, "1250.50")
    client = signed_in(User.objects.create_superuser("staff@provider.example", "x"))
    listed = client.get("/admin/calling/spendinglimit/").content.decode()
    assert "1,250.50" in listed
    assert client.get("/admin/calling/spendinglimit/add/").status_code == 403
