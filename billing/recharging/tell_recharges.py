"""What is owed to people about recharges: the mails of rule 11, the alarm for staff.

Each once per episode. Called inside the transaction of the deed.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.urls import reverse

from accounts.models import NoticeKind, Organisation
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.models import AutoRecharge, PaymentMethod, RechargeAttempt
from billing.recharging.card_in_charge import card_in_charge
from billing.recharging.recharge_caps import ANNOUNCED, MONTH, MOST_A_DAY, MOST_AN_HOUR
from credits.money import Micros, from_money

TOO_MANY = "recharges_in_quick_succession"


class Reached(NamedTuple):
    """A limit that was reached, and until when it stands in the way."""

    code: str
    monthly_limit: Micros
    until: datetime


def tell_declined(
    attempt: RechargeAttempt, card: PaymentMethod, code: str, *, at: datetime
) -> None:
    """The first decline of a recharge; the mail says when it is tried again."""
    again = attempt.next_try_at
    facts = {
        **_card_facts(attempt, card),
        "reason": code,
        "declined_at": at.isoformat(),
        "next_try_at": again.isoformat() if again else "",
    }
    _owe(NoticeKind.RECHARGE_DECLINED, attempt, attempt.reference, facts, at)


def tell_paused(attempt: RechargeAttempt, card: PaymentMethod, *, at: datetime) -> None:
    """Whether the backup is charged from now on, it says too (rule 5.5)."""
    rows = AutoRecharge.objects.select_related("payment_method", "backup")
    row = rows.filter(organisation=attempt.organisation_id).first()
    today = attempt.organisation.local_day(at)
    instead = card_in_charge(row, today) if row else card
    is_backup = row is not None and instead.pk == row.backup_id
    facts = {
        **_card_facts(attempt, card),
        "reason": card.suspended_code,
        "declines": card.declines,
        "backup_brand": instead.brand_name if is_backup else "",
        "backup_last_four": instead.last_four if is_backup else "",
    }
    episode = f"{attempt.reference}:{card.reference}"
    _owe(NoticeKind.RECHARGE_PAUSED, attempt, episode, facts, at)


def tell_action_required(
    attempt: RechargeAttempt, card: PaymentMethod, *, at: datetime
) -> None:
    """With the link to the order, which its owner approves there (rule 5.6)."""
    path = attempt.top_up.get_absolute_url()
    facts = {**_card_facts(attempt, card), "path": path}
    _owe(NoticeKind.RECHARGE_ACTION_REQUIRED, attempt, attempt.reference, facts, at)


def tell_recovered(
    row: AutoRecharge, card: PaymentMethod, *, episode: str, at: datetime
) -> None:
    owe_notice(
        NoticeKind.RECHARGE_RECOVERED,
        organisation=row.organisation,
        episode=episode,
        context={
            "amount": row.amount_micros,
            "currency": row.currency,
            "brand": card.brand_name,
            "last_four": card.last_four,
            "trigger": row.trigger_micros,
            "path": reverse("auto_recharge"),
        },
        at=at,
    )


def tell_capped(organisation: Organisation, reached: Reached, *, at: datetime) -> None:
    """Once a month for the monthly limit, once a day for the others."""
    period = "%Y-%m" if reached.code == MONTH else "%Y-%m-%d"
    local = at.astimezone(organisation.zone)
    charges = {"day_limit": MOST_A_DAY, "hour_limit": MOST_AN_HOUR}
    owe_notice(
        NoticeKind.RECHARGE_CAPPED,
        organisation=organisation,
        episode=f"{reached.code}:{organisation.pk}:{local.strftime(period)}",
        context={
            "cap": ANNOUNCED[reached.code],
            "limit": reached.monthly_limit,
            "charges": charges.get(reached.code, 0),
            "currency": organisation.currency,
            "reached_at": at.isoformat(),
            "resets_at": reached.until.isoformat(),
            "path": reverse("auto_recharge"),
        },
        at=at,
    )


def alarm_staff(organisation_ids: Collection[int], *, at: datetime) -> None:
    """Three recharges within ten minutes: a person looks (museum B23)."""
    if not organisation_ids:
        return
    for organisation in Organisation.objects.filter(pk__in=organisation_ids):
        raise_staff_task(
            TOO_MANY,
            reference=f"{organisation.slug}:{at:%Y-%m-%dT%H:%M}",
            detail=f"{organisation} was recharged three times within ten minutes.",
            organisation=organisation,
            at=at,
        )


def receipt_facts(attempt: RechargeAttempt) -> dict[str, str | int]:
    """Why it was charged and to which card, for the receipt."""
    tries = attempt.tries.select_related("payment_method").order_by("-number")
    newest = tries.first()
    if newest is None:
        return {}
    return {
        "trigger": from_money(attempt.consent.trigger),
        "brand": newest.payment_method.brand_name,
        "last_four": newest.payment_method.last_four,
    }


def _card_facts(attempt: RechargeAttempt, card: PaymentMethod) -> dict[str, str | int]:
    return {
        "amount": attempt.top_up.total_micros,
        "currency": attempt.currency,
        "brand": card.brand_name,
        "last_four": card.last_four,
        "path": reverse("payment_methods"),
    }


def _owe(
    kind: NoticeKind,
    attempt: RechargeAttempt,
    episode: str,
    facts: dict[str, str | int],
    at: datetime,
) -> None:
    owe_notice(
        kind,
        organisation=attempt.organisation,
        episode=episode,
        context=facts,
        at=at,
    )
