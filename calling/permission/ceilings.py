"""What the provider allows an organisation at most, and how it is said (rule 9.1).

Plain reads. The stricter limits of an organisation's first 30 days are no ceiling: they
end by themselves, and a limit that is set meanwhile counts afterwards.
"""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Organisation
from calling.authorise.limits import NEW_FOR, Limits, read_limits, strictest
from credits.display import count_text, duration_text, exact_text

AMOUNTS = ("price_ceiling", "daily_spend", "call_cost")


def ceilings_of(organisation: Organisation) -> Limits:
    """The strictest of what the provider set for everybody and for this one."""
    own = [row for row in read_limits(organisation.pk) if row.by_provider]
    return strictest(
        read_limits(None),
        own,
        currency=organisation.currency,
        opened_at=organisation.opened_at,
        at=organisation.opened_at + NEW_FOR,
    )


def ceiling_hints(ceilings: Limits, currency: str) -> dict[str, str]:
    """By the name of the limit; nothing where the provider has set none."""
    return {
        name: _("Your provider's ceiling: %(most)s.")
        % {"most": _shown(name, most, currency)}
        for name, most in ceilings._asdict().items()
        if most is not None
    }


def check_ceilings(wanted: Limits, ceilings: Limits, currency: str) -> None:
    """Raises a ValidationError by limit for each that is looser than its ceiling."""
    looser = {
        name: ValidationError(
            _("Your provider allows at most %(most)s."),
            "above_ceiling",
            {"most": _shown(name, most, currency)},
        )
        for name, most in ceilings._asdict().items()
        if most is not None and (getattr(wanted, name) or 0) > most
    }
    if looser:
        raise ValidationError(looser)


def _shown(name: str, most: int, currency: str) -> str:
    if name in AMOUNTS:
        return exact_text(most, currency)
    return duration_text(most) if name == "longest_call_seconds" else count_text(most)
