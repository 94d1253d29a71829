"""The rule that NCE organisations cannot buy credits, stated once (rule 2.1)."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BillingMode, Organisation

NOT_FOR_SALE = "credits_not_for_sale"
NOT_FOR_SALE_SENTENCE = _(
    "This organisation is on the new commerce experience (NCE) and is billed after "
    "use; it cannot buy credits."
)


class PrepaidOnly(models.Model):
    """What every row that sells credit inherits: TopUp, StaffPayment and their like.

    The billing mode is copied when the row is born and judged by a CHECK, so the row
    can be judged alone and history stays true after a move to NCE (rule 2.2: the rule
    governs the sale, not the delivery). Triggers prove the copy and refuse its change.
    """

    organisation_id: int
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    billing_mode = models.CharField(
        max_length=7, choices=BillingMode, editable=False, blank=True
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name=NOT_FOR_SALE + "__%(class)s",
                condition=models.Q(
                    billing_mode__in=[mode for mode in BillingMode if mode.buys_credits]
                ),
                violation_error_code=NOT_FOR_SALE,
                violation_error_message=NOT_FOR_SALE_SENTENCE,
            ),
        ]

    def take_billing_mode(self) -> None:
        """Copies the organisation's mode while the row is new."""
        if self._state.adding and self.organisation_id is not None:
            self.billing_mode = self.organisation.billing_mode

    def clean(self) -> None:
        super().clean()
        self.take_billing_mode()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.take_billing_mode()
        super().save(*args, **kwargs)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # A form that does not show the mode must not thereby switch the rule off.
        super().validate_constraints(exclude=set(exclude or ()) - {"billing_mode"})
