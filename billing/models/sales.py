"""What was sold: top-ups by card, and payments that staff record.

Both inherit the rule that NCE organisations cannot buy credits (rule 2.1). Triggers
prove the copied billing mode, and refuse another organisation, mode or amount later.
"""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.models.fields import AmountField
from billing.models.transfers import TransferAnnouncement
from credits.models import PrepaidOnly
from credits.money import Micros, from_money


class TopUpState(models.TextChoices):
    """Where a top-up stands; nothing leaves `paid` (rule 4.3)."""

    STARTED = "started", _("Started")
    PROCESSING = "processing", _("Being checked")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    ABANDONED = "abandoned", _("Not completed")

    @property
    def is_open(self) -> bool:
        """Whether Stripe may still say how it ended."""
        return self in {TopUpState.STARTED, TopUpState.PROCESSING}


class TopUpKind(models.TextChoices):
    """How a top-up came to be; the kind of its lot."""

    PURCHASE = "purchase", _("Card top-up")
    RECHARGE = "recharge", _("Auto-recharge")


class TopUpQuerySet(models.QuerySet["TopUp"]):
    def still_open(self) -> "TopUpQuerySet":
        return self.filter(state__in=[TopUpState.STARTED, TopUpState.PROCESSING])

    def paid(self) -> "TopUpQuerySet":
        return self.filter(state=TopUpState.PAID)


class TopUp(PrepaidOnly):
    """One purchase of credit by card: what it costs, and how far it got (rule 4.2)."""

    # Proven by the fence `top_up_prove_sale`, at a fraction of what a key costs; the
    # unique client key begins with it.
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    client_key = models.CharField(max_length=300)
    kind = models.CharField(
        _("kind"), max_length=10, choices=TopUpKind, default=TopUpKind.PURCHASE
    )
    state = models.CharField(
        _("state"), max_length=10, choices=TopUpState, default=TopUpState.STARTED
    )
    currency = models.CharField(_("currency"), max_length=3)
    credit = AmountField(_("credit"))
    tax = AmountField(_("tax"), default=Decimal)
    tax_percent = models.DecimalField(
        _("tax percent"), max_digits=6, decimal_places=3, default=0
    )
    total = AmountField(_("total"))
    received = AmountField(_("received"), default=Decimal)
    # Gross, of the total; the word shown to people is derived from these.
    refunded = AmountField(_("refunded"), default=Decimal)
    disputed = AmountField(_("disputed"), default=Decimal)
    dispute_status = models.CharField(_("dispute"), max_length=30, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)
    receipt_number = models.CharField(_("receipt number"), max_length=20, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
    )
    # Stripe's ids as text: its mirror is a cache that may be rebuilt.
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    stripe_session_id = models.CharField(max_length=255, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    checkout_url = models.TextField(blank=True)
    failure_code = models.CharField(_("declined because"), max_length=60, blank=True)
    started_at = models.DateTimeField(_("started at"))
    opening_at = models.DateTimeField(null=True, blank=True, editable=False)
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = TopUpQuerySet.as_manager()

    class Meta(PrepaidOnly.Meta):
        ordering = ["-id"]
        verbose_name = _("top-up")
        verbose_name_plural = _("top-ups")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *PrepaidOnly.Meta.constraints,
            models.UniqueConstraint(
                fields=["organisation", "client_key"], name="top_up_once_per_client_key"
            ),
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="top_up_once_per_payment",
            ),
            models.UniqueConstraint(
                fields=["stripe_session_id"],
                condition=~Q(stripe_session_id=""),
                name="top_up_once_per_checkout",
            ),
            models.UniqueConstraint(
                fields=["receipt_number"],
                condition=~Q(receipt_number=""),
                name="receipt_number_once",
            ),
            models.CheckConstraint(
                name="top_up_total_is_sum",
                # Rounded, because SQLite adds decimals as floats.
                condition=Q(
                    credit__gt=0,
                    tax__gte=0,
                    total=Round(F("credit") + F("tax"), precision=3),
                ),
                violation_error_code="top_up_total_is_sum",
                violation_error_message=_("The total is the credit plus the tax."),
            ),
            models.CheckConstraint(
                name="top_up_goes_back_at_most_whole",
                condition=Q(
                    refunded__gte=0,
                    refunded__lte=F("total"),
                    disputed__gte=0,
                    disputed__lte=F("total"),
                ),
                violation_error_code="top_up_goes_back_at_most_whole",
                violation_error_message=_("At most the whole total goes back."),
            ),
            models.CheckConstraint(
                name="top_up_paid_is_complete",
                condition=~Q(state="paid")
                | Q(paid_at__isnull=False, received=F("total"))
                & ~Q(stripe_payment_intent_id="")
                & ~Q(receipt_number=""),
                violation_error_code="top_up_paid_is_complete",
                violation_error_message=_(
                    "A paid top-up names its payment, its receipt and the moment."
                ),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["looked_at", "id"],
                condition=Q(state__in=["started", "processing"]),
                name="open_top_ups",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.total}"

    def get_absolute_url(self) -> str:
        return reverse("top_up", args=[self.pk])

    @property
    def credit_micros(self) -> Micros:
        return from_money(self.credit)

    @property
    def total_micros(self) -> Micros:
        return from_money(self.total)

    @property
    def reference(self) -> str:
        """How ledger entries and Stripe's metadata name this top-up."""
        return f"top-up:{self.pk}"

    @property
    def is_taxed(self) -> bool:
        """Whether tax was paid on it, so that its use is not taxed again (10.4)."""
        return self.tax_percent > 0

    @property
    def is_open(self) -> bool:
        return TopUpState(self.state).is_open

    @property
    def is_paid(self) -> bool:
        return self.state == TopUpState.PAID


class StaffPaymentKind(models.TextChoices):
    TRANSFER = "transfer", _("Bank transfer")
    PURCHASE_ORDER = "purchase_order", _("Purchase order")


class StaffPayment(PrepaidOnly):
    """A bank transfer or purchase order that staff recorded (rule 4.6).

    `amount` is what arrived, tax included; its credit is the rest.
    """

    kind = models.CharField(
        _("kind"),
        max_length=15,
        choices=StaffPaymentKind,
        default=StaffPaymentKind.TRANSFER,
    )
    bank_reference = models.CharField(
        _("bank reference"),
        max_length=100,
        unique=True,
        error_messages={"unique": _("This bank reference was recorded before.")},
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))
    tax = AmountField(_("of it tax"), default=Decimal)
    tax_percent = models.DecimalField(
        _("tax percent"), max_digits=6, decimal_places=3, default=0
    )
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    recorded_at = models.DateTimeField(_("recorded at"))
    note = models.TextField(_("note"), blank=True)
    purchase_order = models.CharField(
        _("purchase order number"), max_length=50, blank=True
    )
    receipt_number = models.CharField(_("receipt number"), max_length=20, blank=True)
    announcement = models.OneToOneField(
        TransferAnnouncement,
        on_delete=models.PROTECT,
        related_name="staff_payment",
        null=True,
        blank=True,
        editable=False,
    )

    objects: ClassVar[models.Manager["StaffPayment"]] = models.Manager()

    class Meta(PrepaidOnly.Meta):
        ordering = ["-id"]
        verbose_name = _("staff payment")
        verbose_name_plural = _("staff payments")
        permissions = [
            ("record_payment", _("Can record a bank transfer or purchase order")),
            ("grant_credit", _("Can grant promotional credit")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *PrepaidOnly.Meta.constraints,
            models.UniqueConstraint(
                fields=["receipt_number"],
                condition=~Q(receipt_number=""),
                name="staff_receipt_number_once",
            ),
            models.CheckConstraint(
                name="staff_payment_positive",
                condition=Q(amount__gt=0, tax__gte=0, tax__lt=F("amount")),
                violation_error_code="staff_payment_positive",
                violation_error_message=_("A payment is more than nothing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.amount}"

    def take_billing_mode(self) -> None:
        """That of the sale's beginning: of the announcement, if there was one (2.2)."""
        super().take_billing_mode()
        if self._state.adding and self.announcement is not None:
            self.billing_mode = self.announcement.billing_mode

    @property
    def amount_micros(self) -> Micros:
        return from_money(self.amount)

    @property
    def credit_micros(self) -> Micros:
        return self.amount_micros - from_money(self.tax)

    @property
    def is_taxed(self) -> bool:
        return self.tax_percent > 0

    def get_absolute_url(self) -> str:
        return reverse("transfer_receipt", args=[self.pk])

    @property
    def reference(self) -> str:
        return f"staff-payment:{self.pk}"
