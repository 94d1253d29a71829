"""A customer who buys: starts top-ups, pays at the sandbox's page, or does not."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import stripe
from django.utils import timezone

from accounts.models import Organisation, User
from billing.models import StripeInbox, TopUp, TopUpState
from billing.reconciling.reconcile import look_again
from billing.top_up import start_top_up
from credits.expiry_date import expiry_of
from credits.models import LedgerEntry, Lot, Wallet
from credits.money import to_micros
from credits.prove import prove as prove_credits
from tests.sandbox.clicks import VISA, Page, card, visit
from tests.stripe_sandbox import StripeSandbox

SITE = "http://127.0.0.1:8000"
DECLINED = "4000 0000 0000 0002"
ASKS_3DS = "4000 0027 6000 3184"
_keys = count(1)


@dataclass
class Buyer:
    organisation: Organisation
    sandbox: StripeSandbox

    @property
    def owner(self) -> User:
        return self.organisation.memberships.get(role="owner").user

    def start(
        self, amount: str = "100", *, key: str = "", at: datetime | None = None
    ) -> TopUp:
        return start_top_up(
            self.organisation,
            to_micros(amount),
            client_key=key or f"form:any-{next(_keys)}",
            actor=self.owner,
            language="en",
            at=at or timezone.now(),
        )

    def pay(self, top_up: TopUp, number: str = VISA) -> Page:
        """Types a card into the payment page and follows to what comes next."""
        return visit(top_up.checkout_url, card(number))

    def come_back(self, top_up: TopUp) -> TopUp:
        """The browser returns from the payment page, and we look."""
        top_up.refresh_from_db()
        return look_again(top_up, at=timezone.now())

    def payment_of(self, top_up: TopUp) -> str:
        """Asks the sandbox, not our row."""
        session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
        return str(session.payment_intent or "")

    def events(self, *types: str) -> list[StripeInbox]:
        """What Stripe says happened, put into our inbox without a webhook."""
        found = stripe.Event.list(limit=100, types=list(types) or None)  # type: ignore[arg-type]
        kept = []
        for event in reversed(found.data):
            row, _new = StripeInbox.objects.get_or_create(
                event_id=event.id,
                defaults={
                    "type": event.type,
                    "payload": json.loads(str(event)),
                    "received_at": timezone.now(),
                },
            )
            kept.append(row)
        return kept


def assert_paid_once(top_up: TopUp) -> Lot:
    """One lot, one entry, the balance they make, and a receipt."""
    top_up.refresh_from_db()
    assert top_up.state == TopUpState.PAID
    lot = Lot.objects.get(sale_id=top_up.pk, kind="purchase")
    assert (lot.original, lot.remaining) == (top_up.credit_micros, lot.original)
    assert lot.expires_at == expiry_of(lot.issued_at, top_up.organisation.zone)
    assert LedgerEntry.objects.get(lot=lot).amount == top_up.credit_micros
    wallet = Wallet.objects.get(pk=top_up.organisation_id)
    assert (wallet.credit, wallet.incoming) == (top_up.credit_micros, 0)
    assert top_up.receipt_number
    assert prove_credits(at=timezone.now()).breaches == []
    return lot


def assert_nothing_issued() -> None:
    assert not Lot.objects.exists()
    assert not LedgerEntry.objects.exists()
