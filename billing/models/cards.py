"""The cards an organisation may be charged on, as Stripe keeps them (rule 5.1).

No card data reaches us: brand, last four digits and expiry are what Stripe shows. A
card that was declined too often is suspended, and stays so whatever becomes of the
settings: the breaker belongs to the card (rule 5.5).
"""

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation

# As the brands write themselves; whatever Stripe adds begins with a capital.
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
DISPUTED = "disputed"  # why a card is paused while a dispute is open (rule 4.7)


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def kept(self) -> "PaymentMethodQuerySet":
        """Those that were not removed."""
        return self.filter(removed_at=None)


class PaymentMethod(models.Model):
    """A saved card; removed ones are kept for the history of what they paid."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="payment_methods"
    )
    stripe_payment_method_id = models.CharField(max_length=255, unique=True)
    stripe_customer_id = models.CharField(max_length=255)
    brand = models.CharField(_("brand"), max_length=30)
    last_four = models.CharField(_("last four digits"), max_length=4)
    expiry_year = models.PositiveSmallIntegerField(_("expiry year"))
    expiry_month = models.PositiveSmallIntegerField(_("expiry month"))
    # The same card saved twice has the same one.
    fingerprint = models.CharField(max_length=64, blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    is_reusable = models.BooleanField(
        _("may be charged later"),
        default=True,
        help_text=_("Some cards pay only while their owner is there."),
    )
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    detached_at = models.DateTimeField(_("let go at Stripe"), null=True, blank=True)
    # The breaker: soft declines in a row, and the pause that only a person ends.
    declines = models.PositiveSmallIntegerField(_("declines in a row"), default=0)
    suspended_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    suspended_code = models.CharField(_("paused because"), max_length=60, blank=True)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        ordering = ["organisation_id", "-is_default", "-id"]
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(is_default=True),
                name="one_default_payment_method",
            ),
            models.UniqueConstraint(
                fields=["organisation", "fingerprint"],
                condition=Q(removed_at=None) & ~Q(fingerprint=""),
                name="one_payment_method_per_card",
            ),
            models.CheckConstraint(
                name="default_payment_method_is_kept",
                condition=Q(is_default=False) | Q(removed_at=None),
                violation_error_code="default_payment_method_is_kept",
                violation_error_message=_("A removed card is nobody's default."),
            ),
            models.CheckConstraint(
                name="payment_method_expiry_month",
                condition=Q(expiry_month__gte=1, expiry_month__lte=12),
                violation_error_code="payment_method_expiry_month",
                violation_error_message=_("A card expires in a month from 1 to 12."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand_name} {self.last_four}"

    @property
    def brand_name(self) -> str:
        return BRANDS.get(self.brand, self.brand.capitalize())

    @property
    def title(self) -> str:
        """`Visa ending 4242`, in the reader's language."""
        names = {"brand": self.brand_name, "last_four": self.last_four}
        return gettext("%(brand)s ending %(last_four)s") % names

    @property
    def reference(self) -> str:
        """How the audit trail and notices name it."""
        return f"card:{self.pk}"

    @property
    def expiry_text(self) -> str:
        return f"{self.expiry_month:02}/{self.expiry_year}"

    @property
    def expires_in(self) -> tuple[int, int]:
        """Year and month; a card is good to the last day of it."""
        return self.expiry_year, self.expiry_month

    def is_expired(self, today: date) -> bool:
        return self.expires_in < (today.year, today.month)

    def may_be_charged(self, today: date) -> bool:
        """Whether it can be charged while its owner is away."""
        is_gone = self.removed_at is not None or self.is_expired(today)
        return self.is_reusable and self.suspended_at is None and not is_gone


class CardSetupState(models.TextChoices):
    STARTED = "started", _("Started")
    DONE = "done", _("Card saved")
    ABANDONED = "abandoned", _("Not completed")


class CardSetup(models.Model):
    """A visit to Stripe's page on which a card is saved; nothing is charged there."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    client_key = models.CharField(max_length=300)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=CardSetupState,
        default=CardSetupState.STARTED,
    )
    becomes_default = models.BooleanField(
        _("becomes the default"),
        default=False,
        help_text=_("Auto-recharge, if it is on, charges it from then on."),
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)
    stripe_session_id = models.CharField(max_length=255, blank=True)
    checkout_url = models.TextField(blank=True)
    payment_method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, null=True, blank=True
    )
    # The same card was kept at Stripe before: the copy that is let go.
    leftover = models.CharField(max_length=255, blank=True)

    objects: ClassVar[models.Manager["CardSetup"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("card set-up")
        verbose_name_plural = _("card set-ups")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "client_key"],
                name="card_setup_once_per_client_key",
            ),
            models.UniqueConstraint(
                fields=["stripe_session_id"],
                condition=~Q(stripe_session_id=""),
                name="card_setup_once_per_checkout",
            ),
            models.CheckConstraint(
                name="card_setup_done_names_card",
                condition=~Q(state="done") | Q(payment_method__isnull=False),
                violation_error_code="card_setup_done_names_card",
                violation_error_message=_("A finished set-up names its card."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["looked_at", "id"],
                condition=Q(state="started"),
                name="open_card_setups",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("card_setup", args=[self.pk])

    @property
    def reference(self) -> str:
        """How Stripe's metadata names it."""
        return f"card-setup:{self.pk}"
