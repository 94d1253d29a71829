"""Auto-recharge: what the customer agreed to, and every try to charge it (rule 5).

A row of `AutoRecharge` exists only while it is on; what was agreed to stays in
`Consent`. One open attempt per wallet; its tries are numbered, and each has its payment
key written down before Stripe is called (rule 5.3).
"""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.models.cards import PaymentMethod
from billing.models.fields import AmountField
from billing.models.sales import TopUp
from credits.models import PrepaidOnly
from credits.money import Micros, from_money


class Consent(models.Model):
    """What somebody agreed to be charged without being asked again; never changed."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="consents"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    given_at = models.DateTimeField(_("given at"))
    ip = models.GenericIPAddressField(null=True, blank=True)
    text_version = models.CharField(_("version of the text"), max_length=20)
    text = models.TextField(_("text"), help_text=_("As it was shown."))
    currency = models.CharField(_("currency"), max_length=3)
    trigger = AmountField(_("trigger balance"))
    amount = AmountField(_("recharge amount"))
    monthly_limit = AmountField(_("monthly limit"))
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT)

    objects: ClassVar[models.Manager["Consent"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("consent to auto-recharge")
        verbose_name_plural = _("consents to auto-recharge")

    def __str__(self) -> str:
        return f"{self.organisation}: {self.amount}"


class AutoRecharge(PrepaidOnly):
    """The settings while auto-recharge is on (rules 5.1 and 2.1)."""

    currency = models.CharField(_("currency"), max_length=3)
    trigger = AmountField(_("trigger balance"))
    amount = AmountField(_("recharge amount"))
    monthly_limit = AmountField(_("monthly limit"))
    payment_method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, related_name="recharges"
    )
    backup = models.ForeignKey(
        PaymentMethod,
        on_delete=models.PROTECT,
        related_name="backs_up",
        null=True,
        blank=True,
    )
    only_when_used = models.BooleanField(
        _("only when used in the last 30 days"), default=True
    )
    catches_up = models.BooleanField(
        _("add a whole multiple where one is not enough"), default=False
    )
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT)
    switched_on_at = models.DateTimeField(_("switched on at"))
    changed_at = models.DateTimeField(_("changed at"))
    # The kill switch for one organisation; staff throw it and take it back.
    stopped_at = models.DateTimeField(_("stopped by staff"), null=True, blank=True)
    stopped_reason = models.CharField(_("because"), max_length=200, blank=True)

    objects: ClassVar[models.Manager["AutoRecharge"]] = models.Manager()

    class Meta(PrepaidOnly.Meta):
        verbose_name = _("auto-recharge")
        verbose_name_plural = _("auto-recharges")
        permissions = [
            ("stop_recharge", _("Can stop and allow auto-recharge")),
            ("resume_card", _("Can resume a paused card")),
            ("give_up_recharge", _("Can give up a recharge that nobody finds")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *PrepaidOnly.Meta.constraints,
            models.UniqueConstraint(
                fields=["organisation"], name="one_auto_recharge_each"
            ),
            models.CheckConstraint(
                name="auto_recharge_amounts_agree",
                condition=Q(
                    trigger__gte=0,
                    amount__gt=0,
                    monthly_limit__gte=F("amount"),
                    trigger__lt=F("amount") * Decimal(10),
                ),
                violation_error_code="auto_recharge_amounts_agree",
                violation_error_message=_(
                    "The trigger is from zero to below ten times the recharge amount, "
                    "and the monthly limit is at least that amount."
                ),
            ),
            models.CheckConstraint(
                name="auto_recharge_backup_is_another",
                condition=Q(backup=None) | ~Q(backup=F("payment_method")),
                violation_error_code="auto_recharge_backup_is_another",
                violation_error_message=_("The backup is another card."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.amount}"

    @property
    def trigger_micros(self) -> Micros:
        return from_money(self.trigger)

    @property
    def amount_micros(self) -> Micros:
        return from_money(self.amount)

    @property
    def monthly_limit_micros(self) -> Micros:
        return from_money(self.monthly_limit)


class AttemptState(models.TextChoices):
    """How far a recharge got (rules 5.3, 5.5 and 5.6)."""

    CLAIMED = "claimed", _("About to be charged")
    SENT = "sent", _("Being charged")
    COOLING = "cooling", _("Declined, will be tried again")
    ACTION_REQUIRED = "action_required", _("Waiting for approval")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Not sent")


OPEN_ATTEMPT = ("claimed", "sent", "cooling", "action_required")


class RechargeCause(models.TextChoices):
    """What made the trigger be looked at (rule 5.2)."""

    DEBIT = "debit", _("A debit")
    SAVE = "save", _("Settings saved")
    EXPIRY = "expiry", _("Credit expired")
    CARD = "card", _("Another card")
    SWEEP = "sweep", _("The sweep")
    STAFF = "staff", _("Resumed by staff")


class RechargeAttempt(PrepaidOnly):
    """One recharge of one wallet: it owns exactly one top-up (rule 2.1).

    Thousands are claimed at once, so what the rows name is proven by fences, set by set
    (`recharge_prove_sale`, `recharge_owns_top_up`), and no key looks again row by row.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    top_up = models.OneToOneField(
        TopUp, on_delete=models.PROTECT, related_name="attempt", db_constraint=False
    )
    currency = models.CharField(_("currency"), max_length=3)
    consent = models.ForeignKey(
        Consent, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    cause = models.CharField(_("cause"), max_length=10, choices=RechargeCause)
    state = models.CharField(
        _("state"),
        max_length=15,
        choices=AttemptState,
        default=AttemptState.CLAIMED,
    )
    used_backup = models.BooleanField(_("went to the backup card"), default=False)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects: ClassVar[models.Manager["RechargeAttempt"]] = models.Manager()

    class Meta(PrepaidOnly.Meta):
        ordering = ["-id"]
        verbose_name = _("recharge")
        verbose_name_plural = _("recharges")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *PrepaidOnly.Meta.constraints,
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(state__in=OPEN_ATTEMPT),
                name="one_open_recharge_per_wallet",
            ),
            models.CheckConstraint(
                name="recharge_ended_when_over",
                condition=Q(state__in=OPEN_ATTEMPT, ended_at=None)
                | ~Q(state__in=OPEN_ATTEMPT) & Q(ended_at__isnull=False),
                violation_error_code="recharge_ended_when_over",
                violation_error_message=_("A recharge has ended exactly when over."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=Q(state__in=["claimed", "sent", "cooling"]),
                name="recharges_to_go_on_with",
            ),
            models.Index(
                fields=["organisation", "started_at"], name="recharges_in_time"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ATTEMPT

    @property
    def reference(self) -> str:
        return f"recharge:{self.pk}"


class TryOutcome(models.TextChoices):
    """What Stripe said about one charge; `unknown` is resent with the same key."""

    UNKNOWN = "unknown", _("Not known yet")
    PROCESSING = "processing", _("Being processed")
    PAID = "paid", _("Paid")
    DECLINED = "declined", _("Declined")
    ACTION_REQUIRED = "action_required", _("Authentication demanded")


class RechargeTry(models.Model):
    """One charge of an attempt: its key stands here before Stripe is called.

    The attempt and its organisation's card are proven by `try_names_own_card`.
    """

    attempt = models.ForeignKey(
        RechargeAttempt,
        on_delete=models.PROTECT,
        related_name="tries",
        db_constraint=False,
        db_index=False,  # `recharge_try_once_per_number` begins with it
    )
    number = models.PositiveSmallIntegerField(_("try"))
    payment_method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    stripe_key = models.CharField(max_length=255)
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=15, choices=TryOutcome, default=TryOutcome.UNKNOWN
    )
    failure_code = models.CharField(_("declined because"), max_length=60, blank=True)
    made_at = models.DateTimeField(_("made at"))
    # A key may be sent again for 23 hours after the first time (rule 5.3).
    first_sent_at = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(_("last asked Stripe"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects: ClassVar[models.Manager["RechargeTry"]] = models.Manager()

    class Meta:
        ordering = ["attempt_id", "number"]
        verbose_name = _("try")
        verbose_name_plural = _("tries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["stripe_key"], name="recharge_try_once_per_key"
            ),
            models.UniqueConstraint(
                fields=["attempt", "number"], name="recharge_try_once_per_number"
            ),
            models.UniqueConstraint(
                fields=["attempt"],
                condition=Q(outcome__in=["unknown", "processing"]),
                name="one_open_try_per_recharge",
            ),
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="recharge_try_once_per_payment",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_key


class SkippedRecharge(models.Model):
    """Why a wallet below its trigger was not recharged; never silent (rule 5.4)."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="skipped_recharges"
    )
    reason = models.CharField(_("reason"), max_length=40)
    day = models.DateField(help_text=_("In the organisation's time zone."))
    times = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))

    objects: ClassVar[models.Manager["SkippedRecharge"]] = models.Manager()

    class Meta:
        ordering = ["-last_at"]
        verbose_name = _("skipped recharge")
        verbose_name_plural = _("skipped recharges")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "reason", "day"],
                name="skipped_recharge_once_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.reason}"


class RechargeStop(models.Model):
    """The kill switch for everybody: nothing is recharged until it is lifted."""

    reason = models.CharField(_("because"), max_length=200)
    stopped_at = models.DateTimeField(_("stopped at"))
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    objects: ClassVar[models.Manager["RechargeStop"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("stop of all auto-recharge")
        verbose_name_plural = _("stops of all auto-recharge")

    def __str__(self) -> str:
        return self.reason

    @classmethod
    def in_force(cls) -> "RechargeStop | None":
        """The stop that stands now, if any."""
        return cls.objects.filter(lifted_at=None).first()
