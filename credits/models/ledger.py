"""The ledger: append-only lines, each of one kind, and the accounts a kind stands for.

An entry's kind and its lot's kind name the account it debits and the one it credits, so
an unbalanced posting cannot be written down (rule 3.3).
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from accounts.models import Organisation
from credits.models.fields import MicrosField
from credits.models.wallet import Lot, LotKind
from credits.money import to_money


class EntryKind(models.TextChoices):
    """Why the balance moved (rule 3.3)."""

    PURCHASE = "purchase", _("Card top-up")
    RECHARGE = "recharge", _("Auto-recharge")
    STAFF_PAYMENT = "staff_payment", _("Bank transfer")
    PROMOTIONAL = "promotional", _("Promotional credit")
    SPEND = "spend", _("Calls")
    DEBT = "debt", _("Calls beyond the balance")
    PAY_DEBT = "pay_debt", _("Overdrawn amount paid")
    DEBT_INVOICED = "debt_invoiced", _("Moved to an invoice")
    EXPIRE = "expire", _("Expired")
    REFUND = "refund", _("Refund")
    DISPUTE = "dispute", _("Disputed payment")
    RESTORED = "restored", _("Restored credit")
    ADJUST = "adjust", _("Adjustment")
    CREDIT_CALL = "credit_call", _("Call credited")


class Account(models.TextChoices):
    """The provider's books: a prepaid balance is a liability until it is used."""

    CASH = "cash", _("Cash")
    BANK = "bank", _("Bank")
    LIABILITY = "liability", _("Unused paid credit (liability)")
    PROMOTIONAL = "promotional", _("Unused promotional credit (liability)")
    MARKETING = "marketing", _("Promotional credit granted (contra-revenue)")
    REVENUE = "revenue", _("Calls (revenue)")
    BREAKAGE = "breakage", _("Paid credit that expired (revenue)")
    RECEIVABLE = "receivable", _("Calls beyond the balance (receivable)")
    CLEARING = "clearing", _("Clearing; zero after every posting")
    INVOICED = "invoiced", _("Invoices (receivable)")
    ADJUSTMENTS = "adjustments", _("Adjustments")
    DISPUTED = "disputed", _("Disputed payments")


def _accounts() -> dict[tuple[EntryKind, LotKind | None], tuple[Account, Account]]:
    """(entry kind, lot kind or none) → (debited, credited) for a *positive* amount.

    A negative amount swaps the two sides.
    """
    kinds, lots, book = EntryKind, LotKind, Account
    table: dict[tuple[EntryKind, LotKind | None], tuple[Account, Account]] = {
        (kinds.PURCHASE, lots.PURCHASE): (book.CASH, book.LIABILITY),
        (kinds.RECHARGE, lots.RECHARGE): (book.CASH, book.LIABILITY),
        (kinds.STAFF_PAYMENT, lots.STAFF_PAYMENT): (book.BANK, book.LIABILITY),
        (kinds.PROMOTIONAL, lots.PROMOTIONAL): (book.MARKETING, book.PROMOTIONAL),
        (kinds.RESTORED, lots.RESTORED): (book.DISPUTED, book.LIABILITY),
        (kinds.DEBT, None): (book.REVENUE, book.RECEIVABLE),
        (kinds.PAY_DEBT, None): (book.CLEARING, book.RECEIVABLE),
        (kinds.DEBT_INVOICED, None): (book.INVOICED, book.RECEIVABLE),
        (kinds.ADJUST, None): (book.ADJUSTMENTS, book.RECEIVABLE),
        (kinds.CREDIT_CALL, None): (book.REVENUE, book.RECEIVABLE),
        (kinds.REFUND, None): (book.CASH, book.RECEIVABLE),
        (kinds.DISPUTE, None): (book.DISPUTED, book.RECEIVABLE),
    }
    for lot in lots:
        is_gift = lot is lots.PROMOTIONAL
        held = book.PROMOTIONAL if is_gift else book.LIABILITY
        # A gift that is spent or expires was never income: it reverses marketing.
        earned = book.MARKETING if is_gift else book.REVENUE
        table[kinds.SPEND, lot] = (earned, held)
        table[kinds.CREDIT_CALL, lot] = (earned, held)
        table[kinds.EXPIRE, lot] = (book.MARKETING if is_gift else book.BREAKAGE, held)
        table[kinds.PAY_DEBT, lot] = (book.CLEARING, held)
        table[kinds.ADJUST, lot] = (book.ADJUSTMENTS, held)
        paid_by = book.BANK if lot is lots.STAFF_PAYMENT else book.CASH
        table[kinds.REFUND, lot] = (paid_by, held)
        table[kinds.DISPUTE, lot] = (book.DISPUTED, held)
    return table


ENTRY_ACCOUNTS = _accounts()

RAISES = Q(kind__in=["purchase", "recharge", "staff_payment", "promotional"])
RAISES |= Q(kind__in=["restored", "credit_call", "debt_invoiced"])
LOWERS = Q(kind__in=["spend", "debt", "expire", "refund", "dispute"])
WITH_LOT = Q(lot__isnull=False)
LOTLESS = Q(lot__isnull=True)
SIGN_FITS_KIND = (
    Q(reverses__isnull=False) & ~Q(amount=0)
    | RAISES & Q(amount__gt=0)
    | LOWERS & Q(amount__lt=0)
    | Q(kind="pay_debt") & WITH_LOT & Q(amount__lt=0)
    | Q(kind="pay_debt") & LOTLESS & Q(amount__gt=0)
    | Q(kind="adjust") & WITH_LOT & Q(amount__lt=0)
    | Q(kind="adjust") & LOTLESS & Q(amount__gt=0)
)


class LedgerEntry(models.Model):
    """One immutable line of the ledger; inserting it is what moves the money."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="ledger_entries",
        # The fence `entry_names_own_lot` proves it, at a fraction of the cost.
        db_constraint=False,
        db_index=False,
    )
    wallet_seq = models.BigIntegerField()
    kind = models.CharField(max_length=15, choices=EntryKind)
    lot = models.ForeignKey(
        Lot,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        db_constraint=False,
        db_index=False,
    )
    amount = MicrosField()
    balance_after = MicrosField()
    reference = models.CharField(max_length=100)
    event_at = models.DateTimeField(help_text=_("When it happened."))
    booked_at = models.DateTimeField(help_text=_("When it was written down."))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    note = models.CharField(max_length=200, blank=True)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        ordering = ["organisation_id", "wallet_seq"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="entry_sign_fits_kind",
                condition=SIGN_FITS_KIND,
                violation_error_code="entry_sign_fits_kind",
                violation_error_message=_("This kind of entry has the other sign."),
            ),
            models.UniqueConstraint(
                fields=["organisation", "wallet_seq"], name="entry_once_per_seq"
            ),
            models.UniqueConstraint(
                fields=["organisation", "kind", "reference", "lot"],
                condition=Q(lot__isnull=False),
                name="entry_once_per_lot",
            ),
            models.UniqueConstraint(
                fields=["organisation", "kind", "reference"],
                condition=Q(lot__isnull=True),
                name="entry_once_without_lot",
            ),
            models.UniqueConstraint(
                fields=["organisation", "reverses"],
                condition=Q(reverses__isnull=False),
                name="entry_reversed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"

    def money(self, micros: int) -> Money:
        """An amount of this entry, in the organisation's one currency (rule 1.2)."""
        return to_money(micros, self.organisation.currency)
