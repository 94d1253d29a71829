"""What may be set for auto-recharge, and what is worth a warning (rule 5.1).

Contradictions are refused when saved, each with its own sentence and code; the claim
that charges finds nothing left to argue about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.activity import read_days_of_calls
from billing.amount_limits import check_amount, terms_of
from billing.models import AutoRecharge, PaymentMethod, TopUpTerms
from credits.display import money_text
from credits.forecast import pace_of
from credits.models import Wallet
from credits.money import Micros, currency_of
from credits.statement import balance_of

# As the database has it: a trigger is below ten times the amount.
TRIGGER_TIMES = 10


@dataclass(frozen=True)
class RechargeSettings:
    """What the customer chooses; amounts in micros of the organisation's currency."""

    trigger: Micros
    amount: Micros
    monthly_limit: Micros
    payment_method: PaymentMethod
    backup: PaymentMethod | None = None
    only_when_used: bool = True
    catches_up: bool = False


@dataclass(frozen=True)
class RechargeWarning:
    """Something that is allowed and may not be meant."""

    code: str
    sentence: str


def settings_of(organisation: Organisation) -> RechargeSettings | None:
    """What is set while auto-recharge is on; None while it is off."""
    rows = AutoRecharge.objects.select_related("payment_method", "backup")
    row = rows.filter(organisation=organisation).first()
    return None if row is None else settings_in(row)


def settings_in(row: AutoRecharge) -> RechargeSettings:
    return RechargeSettings(
        trigger=row.trigger_micros,
        amount=row.amount_micros,
        monthly_limit=row.monthly_limit_micros,
        payment_method=row.payment_method,
        backup=row.backup,
        only_when_used=row.only_when_used,
        catches_up=row.catches_up,
    )


def needs_consent(known: RechargeSettings | None, wanted: RechargeSettings) -> bool:
    """Whether more may be charged than was agreed to (rule 5.1)."""
    return known is None or (
        wanted.amount > known.amount
        or wanted.monthly_limit > known.monthly_limit
        or (wanted.catches_up and not known.catches_up)
    )


def check_settings(
    organisation: Organisation,
    settings: RechargeSettings,
    *,
    known: RechargeSettings | None = None,
    at: datetime,
) -> None:
    """A ValidationError that names every field that contradicts another or the terms.

    A card that is in use already may stay although it was declined meanwhile.
    """
    terms = terms_of(organisation.currency)
    problems: dict[str, ValidationError] = {}
    for field, problem in _problems(organisation, settings, terms, known, at):
        problems.setdefault(field, problem)
    if problems:
        raise ValidationError(dict(problems))


def recharge_warnings(
    organisation: Organisation, settings: RechargeSettings, *, at: datetime
) -> list[RechargeWarning]:
    """Museum B23: an amount that is used up too soon or does not clear the trigger."""
    return list(_warnings(organisation, settings, at))


def _problems(
    organisation: Organisation,
    settings: RechargeSettings,
    terms: TopUpTerms,
    known: RechargeSettings | None,
    at: datetime,
) -> Iterator[tuple[str, ValidationError]]:
    try:
        check_amount(settings.amount, terms)
    except ValidationError as error:
        yield "amount", error.error_dict["amount"][0]
    yield from _trigger_problems(settings, terms)
    yield from _limit_problems(settings, terms)
    keeps = known.payment_method if known else None
    yield from _card_problems("payment_method", organisation, settings, keeps, at)
    keeps = known.backup if known else None
    yield from _card_problems("backup", organisation, settings, keeps, at)
    if settings.backup and settings.backup.pk == settings.payment_method.pk:
        yield (
            "backup",
            ValidationError(
                _("The backup is another card."), "auto_recharge_backup_is_another"
            ),
        )


def _trigger_problems(
    settings: RechargeSettings, terms: TopUpTerms
) -> Iterator[tuple[str, ValidationError]]:
    if settings.trigger < 0:
        yield _problem("trigger", "below_zero", _("The trigger is zero or more."))
    if settings.trigger % currency_of(terms.currency).step:
        yield _finer("trigger", terms.currency)
    if settings.trigger >= TRIGGER_TIMES * settings.amount:
        yield _problem(
            "trigger",
            "trigger_too_high",
            _("The trigger is below ten times the recharge amount."),
        )
    highest = terms.maximum_balance_micros - settings.amount
    if settings.trigger > highest:
        yield _problem(
            "trigger",
            "above_maximum_balance",
            _("With this amount the trigger is %(amount)s at most."),
            money_text(max(highest, 0), terms.currency),
        )


def _limit_problems(
    settings: RechargeSettings, terms: TopUpTerms
) -> Iterator[tuple[str, ValidationError]]:
    if settings.monthly_limit % currency_of(terms.currency).step:
        yield _finer("monthly_limit", terms.currency)
    if settings.monthly_limit < settings.amount:
        yield _problem(
            "monthly_limit",
            "limit_below_amount",
            _("The monthly limit is at least the recharge amount, %(amount)s."),
            money_text(settings.amount, terms.currency),
        )


def _card_problems(
    field: str,
    organisation: Organisation,
    settings: RechargeSettings,
    keeps: PaymentMethod | None,
    at: datetime,
) -> Iterator[tuple[str, ValidationError]]:
    card: PaymentMethod | None = getattr(settings, field)
    if card is None:
        return
    if card.organisation_id != organisation.pk or card.removed_at is not None:
        yield _problem(field, "card_not_kept", _("Choose one of your saved cards."))
    elif card.is_expired(organisation.local_day(at)):
        yield _problem(field, "card_expired", _("This card has expired."))
    elif not card.is_reusable:
        yield _problem(
            field,
            "card_not_reusable",
            _("This card pays only while its owner is there; choose another."),
        )
    elif card.suspended_at is not None and (keeps is None or keeps.pk != card.pk):
        yield _problem(
            field,
            "card_paused",
            _("This card was declined before and is paused; choose another."),
        )


def _warnings(
    organisation: Organisation, settings: RechargeSettings, at: datetime
) -> Iterator[RechargeWarning]:
    today, currency = organisation.local_day(at), organisation.currency
    days = read_days_of_calls(organisation, today=today)
    pace = pace_of(
        {day: calls.amount for day, calls in days.items()},
        since=organisation.local_day(organisation.opened_at),
        today=today,
    )
    usual = pace.average if pace.is_known else 0
    if settings.amount < usual:
        sentence = _("This is less than a usual day costs, %(amount)s.")
        shown = {"amount": money_text(usual, currency)}
        yield RechargeWarning("amount_below_a_day", str(sentence) % shown)
    wallet = Wallet.objects.get(pk=organisation.pk)
    have = balance_of(wallet, at).available + wallet.incoming
    if have + settings.amount < settings.trigger and not settings.catches_up:
        sentence = _(
            "One recharge does not lift the available balance, %(amount)s, above the "
            "trigger."
        )
        shown = {"amount": money_text(have, currency)}
        yield RechargeWarning("amount_below_shortfall", str(sentence) % shown)


def _finer(field: str, currency: str) -> tuple[str, ValidationError]:
    return _problem(
        field,
        "finer_than_step",
        _("Amounts go in steps of %(amount)s."),
        money_text(currency_of(currency).step, currency),
    )


def _problem(
    field: str, code: str, sentence: str | Promise, amount: str = ""
) -> tuple[str, ValidationError]:
    return field, ValidationError(str(sentence), code, {"amount": amount})
