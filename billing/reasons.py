"""Staff say why before they move money."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

SHORTEST = 10


def check_reason(reason: str) -> None:
    if len(reason.strip()) < SHORTEST:
        raise ValidationError(
            {
                "reason": ValidationError(
                    _("Give a reason of at least ten characters."), "reason_too_short"
                )
            }
        )
