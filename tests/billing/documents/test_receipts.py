"""A receipt is rendered when its sale is paid, with both parties as they are then."""

from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts.models import Organisation, ProviderSettings, User
from billing.documents.keep_document import keep_receipt
from billing.jobs import keep_receipt as job
from billing.models import Document, StaffPayment
from billing.staff_payment import record_staff_payment
from credits.models import LotKind
from credits.money import to_micros
from tests.billing.collecting.collector import DAY, ISSUED
from tests.makers import make_lot


def test_asked_for_with_the_sale_and_kept(
    formosa: Organisation, alice: User, provider: ProviderSettings
) -> None:
    paid = record_staff_payment(
        formosa,
        to_micros("100"),
        bank_reference="TR-1",
        recorded_by=alice,
        note="Arrived this morning.",
        at=ISSUED,
    )
    asked = [SignedPackage.loads(row.payload) for row in OrmQ.objects.all()]
    (args,) = [task["args"] for task in asked if task["func"].endswith("keep_receipt")]
    assert args == ("staff_payment", paid.pk)
    job(*args)
    kept = Document.objects.get()
    assert kept.reference == f"receipt:{paid.receipt_number}"
    provider.name = "Renamed Tel"
    provider.save()
    assert keep_receipt(StaffPayment.objects.get(), at=ISSUED + DAY).pk == kept.pk


def test_in_the_organisations_language(formosa: Organisation) -> None:
    formosa.language = "zh-hant"
    formosa.save()
    lot = make_lot(formosa, "500", kind=LotKind.PURCHASE, at=ISSUED)
    job("top_up", lot.sale_id or 0)
    kept = Document.objects.get()
    assert kept.language == "zh-hant"
    assert b"/UniCNS-UCS2-H" in bytes(kept.content)
