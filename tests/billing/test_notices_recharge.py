"""The receipt of a recharge: what made it, and which card paid (rule 11)."""

from django.core import mail

from accounts.models import Notice, NoticeKind
from accounts.send import send_due_notices
from tests.billing.recharging import Recharger, usd


def test_the_receipt_of_a_recharge_says_what_made_it(recharger: Recharger) -> None:
    row = recharger.switch_on()
    recharger.charge()
    receipt = Notice.objects.get(kind=NoticeKind.RECEIPT)
    assert receipt.context["trigger"] == row.trigger_micros == usd("20")
    send_due_notices(receipt.created_at)
    text = " ".join(str(mail.outbox[0].body).split())
    assert "the available balance had fallen below US$20.00" in text
    assert "charged to Visa ending 4242" in text
    recharger.prove()
