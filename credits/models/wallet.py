"""A wallet holds lots: what an organisation has, batch by batch (rules 3.1 to 3.5).

Only a ledger entry moves money: triggers move `Lot.remaining`, `Wallet.credit` and
`Wallet.debt` when an entry is inserted, and refuse every other change of them.
"""

from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from accounts.models import Organisation
from credits.models.fields import MicrosField
from credits.money import to_money


class LotKind(models.TextChoices):
    """How a lot came to be (rule 3.2)."""

    PURCHASE = "purchase", _("Card top-up")
    RECHARGE = "recharge", _("Auto-recharge")
    STAFF_PAYMENT = "staff_payment", _("Bank transfer")
    PROMOTIONAL = "promotional", _("Promotional credit")
    RESTORED = "restored", _("Restored credit")

    @property
    def is_sold(self) -> bool:
        """Whether money changed hands; such a lot names its sale row (rule 2.1)."""
        return self in SOLD_KINDS


SOLD_KINDS = (LotKind.PURCHASE, LotKind.RECHARGE, LotKind.STAFF_PAYMENT)


class Wallet(models.Model):
    """An organisation's prepaid container, in one currency (rule 3.1).

    No index may mention credit, lapsed, debt, reserved or incoming: they change with
    every call, and PostgreSQL updates unindexed columns within the page.
    """

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, related_name="wallet"
    )
    currency = models.CharField(max_length=3)
    credit = MicrosField(default=0, help_text=_("Sum of what the lots have left."))
    lapsed = MicrosField(default=0, help_text=_("The part of it that has expired."))
    debt = MicrosField(default=0, help_text=_("What calls cost beyond the lots."))
    reserved = MicrosField(default=0, help_text=_("Set aside for running calls."))
    live_calls = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("How many holds are open.")
    )
    # Counted up whenever what its calls are judged by changes: lines, numbers, plans,
    # barring, limits, state. Whoever judged by an older count judges again.
    facts_version = models.BigIntegerField(default=1, db_default=1, editable=False)
    incoming = MicrosField(
        default=0, help_text=_("Recharges sent, top-ups processing.")
    )
    next_expiry_at = models.DateTimeField(null=True, blank=True)
    trigger = MicrosField(null=True, blank=True)  # type: ignore[misc]  # null is meant
    recharge_wanted = models.BooleanField(default=False)
    last_seq = models.BigIntegerField(default=0)
    # SQLite's fence: the newest entry that moved this row (docs/decisions/0002).
    moved_by = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="wallet_amounts_not_negative",
                condition=Q(credit__gte=0, debt__gte=0, lapsed__gte=0)
                & Q(reserved__gte=0, incoming__gte=0),
                violation_error_code="wallet_amounts_not_negative",
                violation_error_message=_("A wallet's amounts are never negative."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organisation"],
                condition=Q(recharge_wanted=True),
                name="wallets_that_want_a_recharge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} ({self.currency})"

    def money(self, micros: int) -> Money:
        return to_money(micros, self.currency)

    @property
    def ledger_balance(self) -> int:
        """Micros: credit less debt, as ledger entries show it (rule 3.4)."""
        return self.credit - self.debt


class LotQuerySet(models.QuerySet["Lot"]):
    def live(self) -> "LotQuerySet":
        """Lots with something left, spendable or waiting to be posted as expired."""
        return self.filter(exhausted_at=None)

    def spendable(self, at: datetime) -> "LotQuerySet":
        """Lots a call that starts at this moment may draw from (rule 3.8)."""
        return self.live().filter(expires_at__gt=at)

    def in_burn_order(self) -> "LotQuerySet":
        """Soonest expiry first, promotional before paid, then the older (rule 3.5)."""
        paid = models.Case(
            models.When(kind=LotKind.PROMOTIONAL, then=0),
            default=1,
            output_field=models.IntegerField(),
        )
        return self.order_by("expires_at", paid, "id")


class Lot(models.Model):
    """One batch of credit with one expiry; lots never merge (rule 3.2)."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="lots",
        db_index=False,  # `lot_once_per_reference` begins with it
    )
    kind = models.CharField(max_length=15, choices=LotKind)
    currency = models.CharField(max_length=3)
    original = MicrosField()
    remaining = MicrosField(default=0)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text=_("The first moment it is not valid."))
    time_zone = models.CharField(
        max_length=50, help_text=_("The zone whose days the expiry was counted in.")
    )
    # A lot is born empty, so with this set; its first entry clears it (fence).
    exhausted_at = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was marked as expired.")
    )
    # Staff extend a lot once (rule 3.8): what the expiry was before, and since when.
    extended_from = models.DateTimeField(null=True, blank=True)
    extended_at = models.DateTimeField(null=True, blank=True)
    # The step of the latest reminder; 0 once its owner was told that it expired.
    reminded_days = models.PositiveSmallIntegerField(null=True, blank=True)
    reference = models.CharField(max_length=100)
    sale_id = models.BigIntegerField(null=True, blank=True)
    is_taxed = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Tax was paid when it was bought (rule 10.4)."),
    )
    moved_by = models.BigIntegerField(default=0, editable=False)

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        permissions = [("extend_lot", _("Can extend the expiry of credit"))]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="lot_remaining_range",
                condition=Q(remaining__gte=0, remaining__lte=F("original")),
                violation_error_code="lot_remaining_range",
                violation_error_message=_(
                    "A lot has between nothing and its original amount left."
                ),
            ),
            models.CheckConstraint(
                name="lot_original_positive",
                condition=Q(original__gt=0),
                violation_error_code="lot_original_positive",
                violation_error_message=_("A lot starts with more than nothing."),
            ),
            models.CheckConstraint(
                name="lot_expires_after_issue",
                condition=Q(expires_at__gt=F("issued_at")),
                violation_error_code="lot_expires_after_issue",
                violation_error_message=_("A lot expires after it was issued."),
            ),
            models.CheckConstraint(
                name="lot_exhausted_when_empty",
                condition=Q(remaining=0, exhausted_at__isnull=False)
                | (Q(exhausted_at=None) & ~Q(remaining=0)),
                violation_error_code="lot_exhausted_when_empty",
                violation_error_message=_(
                    "A lot is marked as used up exactly when nothing is left."
                ),
            ),
            models.CheckConstraint(
                name="lot_lapsed_after_expiry",
                condition=Q(lapsed_at=None) | Q(lapsed_at__gte=F("expires_at")),
                violation_error_code="lot_lapsed_after_expiry",
                violation_error_message=_("A lot lapses when it expires, not before."),
            ),
            models.CheckConstraint(
                name="lot_sold_kind_names_sale",
                condition=Q(kind__in=SOLD_KINDS, sale_id__isnull=False)
                | (~Q(kind__in=SOLD_KINDS) & Q(sale_id__isnull=True)),
                violation_error_code="lot_sold_kind_names_sale",
                violation_error_message=_(
                    "Credit that was sold names its sale, other credit does not."
                ),
            ),
            models.UniqueConstraint(
                fields=["organisation", "reference"], name="lot_once_per_reference"
            ),
            models.UniqueConstraint(
                fields=["organisation", "kind", "sale_id"],
                condition=Q(sale_id__isnull=False),
                name="lot_once_per_sale",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organisation", "expires_at", "id"],
                condition=Q(exhausted_at=None),
                name="live_lots_in_burn_order",
            ),
            models.Index(
                fields=["expires_at", "organisation"],
                condition=Q(exhausted_at=None),
                name="live_lots_by_expiry",
            ),
            models.Index(
                # By id: thousands expire at one moment, and equal keys are slow.
                fields=["id"],
                condition=Q(lapsed_at__isnull=False, exhausted_at__isnull=False)
                & (Q(reminded_days=None) | Q(reminded_days__gt=0)),
                name="expired_lots_to_tell_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"

    @property
    def zone(self) -> ZoneInfo:
        """Whose days its expiry was counted in."""
        return ZoneInfo(self.time_zone)

    def money(self, micros: int) -> Money:
        return to_money(micros, self.currency)
