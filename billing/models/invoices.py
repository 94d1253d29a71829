"""Months that were closed, and the documents that bill them (rule 10).

An invoice that was issued never changes; what was wrong is taken back by a credit note,
which is an invoice with the opposite sign.
"""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import BillingMode, Organisation
from credits.models import MicrosField


class TaxRate(models.Model):
    """The tax on what customers of one country buy, from a day on (rule 10.4)."""

    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("Empty: everywhere else.")
    )
    name = models.CharField(_("name"), max_length=20, help_text=_("Such as VAT."))
    percent = models.DecimalField(
        _("percent"),
        max_digits=6,
        decimal_places=3,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    valid_from = models.DateField(_("from"))

    class Meta:
        ordering = ["country", "-valid_from"]
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["country", "valid_from"],
                name="one_tax_rate_a_day",
                violation_error_message=_("There is a rate from that day already."),
            ),
            models.CheckConstraint(
                name="tax_rate_in_range", condition=Q(percent__gte=0, percent__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country or '*'} {self.name} {self.percent}"


class InvoiceKind(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")


class InvoiceState(models.TextChoices):
    """How far a document got (rule 10.2)."""

    DRAFT = "draft", _("Draft")
    ISSUED = "issued", _("Issued")
    LATE = "late", _("Late")
    PAID = "paid", _("Paid")
    VOID = "void", _("Void")
    WRITTEN_OFF = "written_off", _("Written off")


OWED = (InvoiceState.ISSUED, InvoiceState.LATE)


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def owed(self) -> "InvoiceQuerySet":
        """Issued and not settled yet."""
        return self.filter(kind=InvoiceKind.INVOICE, state__in=OWED)

    def issued(self) -> "InvoiceQuerySet":
        """Whatever has a number, and so is shown to the customer."""
        return self.exclude(number="")


class Invoice(models.Model):
    """A bill, or a credit note; amounts are whole minor units of its currency."""

    # Proven by a fence, once a statement; so are the keys of lines and closed months.
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="invoices",
        db_constraint=False,
    )
    kind = models.CharField(
        _("kind"), max_length=12, choices=InvoiceKind, default=InvoiceKind.INVOICE
    )
    credits = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_notes",
        verbose_name=_("takes back"),
    )
    billing_mode = models.CharField(
        _("billing mode"), max_length=7, choices=BillingMode
    )
    month = models.DateField(
        _("month"), null=True, blank=True, help_text=_("The month that was closed.")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=InvoiceState, default=InvoiceState.DRAFT
    )
    number = models.CharField(_("number"), max_length=20, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    total_minor = models.BigIntegerField(_("total"), help_text=_("In minor units."))
    tax_minor = models.BigIntegerField(_("of it tax"), default=0)
    paid_minor = models.BigIntegerField(_("paid"), default=0)
    credited_minor = models.BigIntegerField(_("credited"), default=0)
    # As they were when it was issued: names, addresses, tax ids, terms.
    parties = models.JSONField(default=dict)
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)
    drafted_at = models.DateTimeField(_("drafted at"))
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    # How many of the notices at issue, due, +3, +7, +14 days were owed.
    dunned = models.PositiveSmallIntegerField(_("reminders"), default=0)
    stripe_invoice_id = models.CharField(max_length=255, blank=True)
    # An open invoice at Stripe cannot change: the next round asks for what is left.
    stripe_round = models.PositiveSmallIntegerField(default=0, editable=False)
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        permissions = [
            ("close_period", _("Can close a month")),
            ("issue_invoice", _("Can issue, void and credit invoices")),
            ("record_invoice_payment", _("Can record a payment of an invoice")),
            ("suspend_org", _("Can suspend and resume an organisation")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["number"], condition=~Q(number=""), name="invoice_number_once"
            ),
            models.UniqueConstraint(
                fields=["stripe_invoice_id"],
                condition=~Q(stripe_invoice_id=""),
                name="invoice_once_at_stripe",
            ),
            models.CheckConstraint(
                name="invoice_numbered_when_issued",
                condition=Q(state="draft", number="", issued_at=None)
                | ~Q(state="draft") & ~Q(number="") & Q(issued_at__isnull=False),
                violation_error_code="invoice_numbered_when_issued",
                violation_error_message=_("An invoice has a number once it is issued."),
            ),
            models.CheckConstraint(
                name="credit_note_names_invoice",
                condition=Q(kind="invoice", credits=None)
                | Q(kind="credit_note", credits__isnull=False, total_minor__lte=0),
                violation_error_code="credit_note_names_invoice",
                violation_error_message=_("A credit note takes back an invoice."),
            ),
            models.CheckConstraint(
                name="invoice_paid_when_covered",
                condition=~Q(state="paid")
                | Q(
                    paid_at__isnull=False,
                    paid_minor__gte=F("total_minor") - F("credited_minor"),
                ),
                violation_error_code="invoice_paid_when_covered",
                violation_error_message=_("A paid invoice is paid in full."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_on", "id"],
                condition=Q(state__in=["issued", "late"]),
                name="invoices_owed",
            ),
            models.Index(
                fields=["drafted_at"],
                condition=Q(state="draft"),
                name="invoices_to_issue",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("invoice", args=[self.pk])

    @property
    def reference(self) -> str:
        """How ledger entries and Stripe's metadata name it."""
        return f"invoice:{self.pk}"

    @property
    def owed_minor(self) -> int:
        """What is still to be paid, in minor units."""
        return self.total_minor - self.credited_minor - self.paid_minor

    @property
    def is_owed(self) -> bool:
        return self.kind == InvoiceKind.INVOICE and self.state in OWED


class LineKind(models.TextChoices):
    """What a line of an invoice bills."""

    LICENCE = "licence", _("Licences, in advance")
    LICENCE_CHANGE = "licence_change", _("Licences, change within the month")
    USAGE = "usage", _("Calls")
    LATE_USAGE = "late_usage", _("Calls of an earlier month")
    DEBT = "debt", _("Calls beyond the balance")
    GOODWILL = "goodwill", _("Goodwill")
    TAX = "tax", _("Tax")


class InvoiceLine(models.Model):
    """One line: its exact amount, and the minor units that it adds to the total."""

    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.PROTECT,
        related_name="lines",
        db_constraint=False,
        db_index=False,  # found by its positions
    )
    position = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=15, choices=LineKind)
    # What it says: plan, licences, days; month, destination, department, calls.
    facts = models.JSONField(default=dict)
    amount = MicrosField(_("exact amount"), help_text=_("In millionths."))
    minor = models.BigIntegerField(_("amount"), help_text=_("In minor units."))
    tax_percent = models.DecimalField(
        _("tax percent"), max_digits=6, decimal_places=3, default=0
    )
    # On a credit note: the line that it takes back, which can happen once.
    credits = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credited_by",
        verbose_name=_("takes back"),
        db_index=False,  # found by what takes it back once
    )

    class Meta:
        ordering = ["invoice_id", "position"]
        verbose_name = _("line of an invoice")
        verbose_name_plural = _("lines of invoices")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["credits"],
                condition=Q(credits__isnull=False),
                name="invoice_line_credited_once",
                violation_error_code="invoice_line_credited_once",
                violation_error_message=_("This line was taken back before."),
            ),
            models.UniqueConstraint(
                fields=["invoice", "position"], name="one_invoice_line_per_position"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.amount}"


class ClosedMonth(models.Model):
    """A month of an organisation that was closed, once (rule 10.1).

    What it billed: the charges of local days before the month's end whose id is at most
    `up_to_charge`, without those that the month closed before it had billed. A month
    that was passed over is billed with the next one that is closed.
    """

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="closed_months",
        db_constraint=False,
        db_index=False,  # found by its months
    )
    month = models.DateField(_("month"))
    invoice = models.OneToOneField(
        Invoice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="closed_month",
        db_constraint=False,
    )
    up_to_charge = models.BigIntegerField(default=0)
    # Licences: whole months are billed up to and with this one, what changed within
    # a month before this moment. Empty until a first month was closed by itself.
    fees_through = models.DateField(null=True, blank=True)
    changes_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"))

    class Meta:
        ordering = ["organisation_id", "-month"]
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "month"], name="month_closed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.month:%Y-%m}"


class InvoicePaymentKind(models.TextChoices):
    STRIPE = "stripe", _("Card")
    TRANSFER = "transfer", _("Bank transfer")


class InvoicePayment(models.Model):
    """Money that arrived for an invoice, whole or part; taken back, it is negative."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="payments"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=InvoicePaymentKind)
    amount_minor = models.BigIntegerField(_("amount"), help_text=_("In minor units."))
    reference = models.CharField(
        _("reference"),
        max_length=255,
        unique=True,
        error_messages={"unique": _("This reference was recorded before.")},
    )
    received_at = models.DateTimeField(_("received at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    note = models.TextField(_("note"), blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("payment of an invoice")
        verbose_name_plural = _("payments of invoices")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="invoice_payment_not_nothing", condition=~Q(amount_minor=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice}: {self.amount_minor}"


class Document(models.Model):
    """A PDF as it was rendered once; never made again from today's data."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="documents"
    )
    reference = models.CharField(
        max_length=100, help_text=_("invoice:7, receipt:R-2026-0001, statement:2026-11")
    )
    language = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    rendered_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "reference"], name="document_rendered_once"
            ),
        ]

    def __str__(self) -> str:
        return self.reference
