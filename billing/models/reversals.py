"""Money that went back: refunds we ask for, disputes that banks open (rule 4.7)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.models.fields import AmountField
from billing.models.sales import StaffPayment, TopUp
from credits.money import Micros, from_money


class RefundState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    PENDING = "pending", _("On its way")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Failed")


class Refund(models.Model):
    """Part of a payment given back; its credit is taken at once.

    A card payment is refunded by Stripe, a bank transfer by staff at the bank. One that
    Stripe made by itself takes what the formula of rule 4.7 says, and may take nothing.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="refunds"
    )
    top_up = models.ForeignKey(
        TopUp, on_delete=models.PROTECT, related_name="refunds", null=True, blank=True
    )
    staff_payment = models.ForeignKey(
        StaffPayment,
        on_delete=models.PROTECT,
        related_name="refunds",
        null=True,
        blank=True,
    )
    currency = models.CharField(_("currency"), max_length=3)
    credit = AmountField(_("credit taken"), help_text=_("From the payment's lot."))
    total = AmountField(_("refunded"), help_text=_("Credit and its tax."))
    state = models.CharField(
        _("state"), max_length=10, choices=RefundState, default=RefundState.REQUESTED
    )
    reason = models.CharField(_("reason"), max_length=200)
    client_key = models.CharField(max_length=300)
    stripe_refund_id = models.CharField(max_length=255, blank=True)
    bank_reference = models.CharField(_("bank reference"), max_length=100, blank=True)
    failure_code = models.CharField(_("failed because"), max_length=60, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    requested_at = models.DateTimeField(_("requested at"))
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects: ClassVar[models.Manager["Refund"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        permissions = [
            ("refund_top_up", _("Can refund a top-up")),
            ("close_organisation", _("Can close an organisation")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "client_key"], name="refund_once_per_client_key"
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                name="refund_once_at_stripe",
            ),
            models.CheckConstraint(
                name="refund_positive",
                condition=Q(credit__gte=0, total__gt=0),
                violation_error_code="refund_positive",
                violation_error_message=_("A refund is more than nothing."),
            ),
            models.CheckConstraint(
                name="refund_of_one_payment",
                condition=Q(top_up=None, staff_payment__isnull=False)
                | Q(top_up__isnull=False, staff_payment=None),
                violation_error_code="refund_of_one_payment",
                violation_error_message=_("A refund belongs to one payment."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["looked_at", "id"],
                condition=Q(state__in=["requested", "pending"]),
                name="open_refunds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.total}"

    @property
    def is_open(self) -> bool:
        return self.state in {RefundState.REQUESTED, RefundState.PENDING}

    @property
    def stands(self) -> bool:
        """Whether it counts; one on its way does, one that failed does not."""
        return self.state != RefundState.FAILED

    @property
    def credit_micros(self) -> Micros:
        return from_money(self.credit)

    @property
    def total_micros(self) -> Micros:
        return from_money(self.total)

    @property
    def reference(self) -> str:
        return f"refund:{self.pk}"


class Dispute(models.Model):
    """A payment that its bank questions; it counts once the funds are withdrawn."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="disputes"
    )
    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    status = models.CharField(_("status at Stripe"), max_length=40)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("disputed"), help_text=_("Of the total, tax included."))
    opened_at = models.DateTimeField(_("opened at"))
    evidence_due_at = models.DateTimeField(_("answer due"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("funds withdrawn"), null=True, blank=True)
    reinstated_at = models.DateTimeField(_("funds given back"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)

    objects: ClassVar[models.Manager["Dispute"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="dispute_positive",
                condition=Q(amount__gt=0),
                violation_error_code="dispute_positive",
                violation_error_message=_("A dispute is about more than nothing."),
            ),
            models.CheckConstraint(
                name="dispute_gives_back_what_it_took",
                condition=Q(reinstated_at=None) | Q(withdrawn_at__isnull=False),
                violation_error_code="dispute_gives_back_what_it_took",
                violation_error_message=_("Funds come back after they went."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["looked_at", "id"],
                condition=Q(closed_at=None),
                name="open_disputes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.amount}"

    @property
    def is_inquiry(self) -> bool:
        """A question that the bank may yet turn into a dispute; it takes nothing."""
        return self.status.startswith("warning_")

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def stands(self) -> bool:
        """Whether the funds are withdrawn now: only that counts (rule 4.7)."""
        return self.withdrawn_at is not None and self.reinstated_at is None

    @property
    def amount_micros(self) -> Micros:
        return from_money(self.amount)

    @property
    def reference(self) -> str:
        return f"dispute:{self.pk}"
