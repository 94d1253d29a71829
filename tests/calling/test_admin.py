"""Staff pages: everything can be looked at, nothing that was charged can be changed."""

import pytest
from django.contrib.admin import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from calling.formats.record import RowError
from calling.models import (
    Bucket,
    CallCountry,
    CallingPlan,
    CallRecord,
    Charge,
    Licence,
    Line,
    MinutePool,
    NumberAssignment,
    Rate,
    RateCard,
    RateCardVersion,
    RawRecord,
    RejectedRow,
    Source,
    Subscription,
    UsageDay,
)
from calling.reject import reject_rows
from tests.calling.telephony import (
    LATER,
    charge_of,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.calling.test_replay import document, hand_in
from tests.makers import make_user

SHOWN = [
    CallCountry,
    CallingPlan,
    CallRecord,
    Charge,
    Licence,
    Line,
    MinutePool,
    NumberAssignment,
    Rate,
    RateCard,
    RateCardVersion,
    RawRecord,
    RejectedRow,
    Source,
    Subscription,
    UsageDay,
]
NEVER_CHANGED = [
    CallRecord,
    Charge,
    MinutePool,
    Rate,
    RateCardVersion,
    RawRecord,
    RejectedRow,
    UsageDay,
]


@pytest.fixture
def staff(db: None, settings: Settings) -> Client:
    settings.STAFF_NEED_SECOND_FACTOR = False  # tested where it belongs
    user = make_user("staff@example.com", is_staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


@pytest.fixture
def world(card: RateCardVersion, pbx: Source, mei: Line) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 2})
    take_in(
        pbx,
        make_record("a", callee="+886212345678"),
        make_record("b", caller="+886299990000"),
    )
    reject_rows([RowError(7, "It is bad.", "bad")], origin="f", at=LATER, source=pbx)


def path(model: type[Model], page: str, *arguments: object) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=arguments)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("model", SHOWN)
def test_staff_see_the_list_and_each_row(staff: Client, model: type[Model]) -> None:
    answer = staff.get(path(model, "changelist"), follow=True)
    assert answer.status_code == 200
    row = model._default_manager.first()
    assert row is not None
    answer = staff.get(path(model, "change", row.pk), follow=True)
    assert answer.status_code == 200


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("model", NEVER_CHANGED)
def test_what_was_written_by_a_verb_is_only_shown(
    staff: Client, model: type[Model]
) -> None:
    row = model._default_manager.first()
    assert row is not None
    assert staff.get(path(model, "add")).status_code == 403
    assert staff.post(path(model, "change", row.pk), {}).status_code == 403
    assert staff.post(path(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_nothing_that_calls_refer_to_is_deleted(staff: Client) -> None:
    request = staff.get("/admin/").wsgi_request
    pages = site._registry
    assert not any(pages[model].has_delete_permission(request) for model in SHOWN)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("model", SHOWN)
def test_a_list_asks_no_more_for_more_rows(
    staff: Client, pbx: Source, formosa: Organisation, model: type[Model]
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            staff.get(path(model, "changelist"))
        return len(captured)

    before = count()
    for number in range(4):
        line = make_line(formosa, f"+88625555010{number}")
        give_plan(line)
        take_in(
            pbx,
            make_record(f"x{number}", caller=f"+88625555010{number}"),
            make_record(f"y{number}", caller="+886299990000"),
        )
    assert count() <= before + 1


def test_staff_replay_what_waits_and_say_why(
    staff: Client, pbx: Source, card: RateCardVersion, formosa: Organisation
) -> None:
    hand_in(pbx, document())
    make_line(formosa, "+886223456789")
    raw = RawRecord.objects.get()
    asked = {"action": "settle_again", "_selected_action": [raw.pk]}
    page = staff.post(path(RawRecord, "changelist"), asked)
    assert "Each record is read again" in page.content.decode()
    assert not Charge.objects.exists()
    staff.post(
        path(RawRecord, "changelist"),
        {**asked, "confirmed": "1", "reason": "The number was assigned late."},
    )
    assert charge_of("a").rated_amount == 21_000
    event = AuditEvent.objects.get(verb="settle_waiting_records")
    assert event.reason == "The number was assigned late."
    assert event.after == {"settled": 1, "asked": 1}
