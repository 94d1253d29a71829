"""Auto-recharge is switched on, changed, switched off, stopped and allowed (rule 5.1).

Every verb locks the wallet first and arms or disarms its trigger in the same
transaction, so the wallet wants a recharge exactly while a row says so. What the
customer agreed to is kept for good; the row itself exists only while it is on.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.tell_deed import Deed, tell_deed
from billing.models import AttemptState, AutoRecharge, Consent, RechargeCause
from billing.models.fields import sold_money
from billing.recharging.end_recharge import end_waiting_recharges
from billing.recharging.recharge_consent import TEXT_VERSION, consent_text
from billing.recharging.recharge_settings import (
    RechargeSettings,
    check_settings,
    needs_consent,
    settings_in,
)
from billing.refusals import RechargeIsOff, judge_sale, selling
from credits.lock import lock_wallet
from credits.models import Wallet
from credits.money import Micros
from credits.refresh import NUDGE, refresh_wallets


def save_auto_recharge(
    organisation: Organisation,
    settings: RechargeSettings,
    *,
    actor: User,
    ip: str | None,
    consent: bool,
    at: datetime,
) -> AutoRecharge:
    """Switches it on, or changes it; a wallet below its trigger is charged right after.

    A ValidationError names what contradicts; `consent_missing` refuses more than was
    agreed to. Another card ends what waits for the old one.
    """
    with selling(), transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        row = _row_of(organisation) or AutoRecharge(
            # Read again: the mode of the row at hand may be old.
            organisation=Organisation.objects.get(pk=organisation.pk),
            switched_on_at=at,
        )
        judge_sale(row)
        known = settings_in(row) if row.pk else None
        check_settings(row.organisation, settings, known=known, at=at)
        if needs_consent(known, settings):
            if not consent:
                raise _consent_missing()
            row.consent = _keep_consent(row.organisation, settings, actor, ip, at)
        _write(row, settings, at=at)
        cause = RechargeCause.SAVE
        if known and known.payment_method.pk != settings.payment_method.pk:
            cause = RechargeCause.CARD
            end_waiting_recharges(organisation.pk, code="card_changed", at=at)
        _arm(wallet, settings.trigger, cause)
        record_audit(
            "save_auto_recharge",
            at=at,
            organisation=row.organisation,
            actor=actor,
            object=f"auto-recharge:{row.pk}",
            before=_said(known, row.currency) if known else None,
            after=_said(settings, row.currency),
            ip=ip,
        )
    return row


def switch_off_auto_recharge(
    organisation: Organisation, *, actor: User | None, at: datetime, reason: str = ""
) -> None:
    """Deletes the row and ends what was not sent; off already, nothing happens."""
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        row = _row_of(organisation)
        if row is None:
            return
        end_waiting_recharges(organisation.pk, code="switched_off", at=at)
        _arm(wallet, None, RechargeCause.SAVE)
        record_audit(
            "switch_off_auto_recharge",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"auto-recharge:{row.pk}",
            reason=reason,
            before=_said(settings_in(row), row.currency),
        )
        row.delete()


def stop_auto_recharge(
    organisation: Organisation, reason: str, *, actor: User, at: datetime
) -> AutoRecharge:
    """The kill switch for one organisation: nothing is sent until it is allowed."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        row = _row_of(organisation)
        if row is None:
            raise RechargeIsOff
        if row.stopped_at is None:
            row.stopped_at, row.stopped_reason = at, reason[:200]
            row.save(update_fields=["stopped_at", "stopped_reason"])
            claimed = (AttemptState.CLAIMED,)
            end_waiting_recharges(
                organisation.pk, code="stopped_by_staff", at=at, states=claimed
            )
            _note("stop_auto_recharge", row, reason, actor, at)
            _tell("recharge_stopped", row, reason, actor, at)
    return row


def allow_auto_recharge(
    organisation: Organisation, reason: str, *, actor: User, at: datetime
) -> AutoRecharge:
    """Takes the kill switch of one organisation back."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        row = _row_of(organisation)
        if row is None:
            raise RechargeIsOff
        if row.stopped_at is not None:
            row.stopped_at, row.stopped_reason = None, ""
            row.save(update_fields=["stopped_at", "stopped_reason"])
            _note("allow_auto_recharge", row, reason, actor, at)
            _tell("recharge_allowed", row, reason, actor, at)
    return row


def _tell(
    deed: Deed, row: AutoRecharge, reason: str, actor: User, at: datetime
) -> None:
    tell_deed(
        deed,
        row.organisation,
        reference=f"{row.pk}:{at.isoformat()}",
        actor=actor,
        reason=reason,
        at=at,
        page="auto_recharge",
    )


def _row_of(organisation: Organisation) -> AutoRecharge | None:
    rows = AutoRecharge.objects.select_related(
        "organisation", "payment_method", "backup"
    )
    return rows.filter(organisation=organisation).first()


def _consent_missing() -> ValidationError:
    sentence = _("Agree to being charged without being asked again.")
    return ValidationError({"consent": ValidationError(sentence, "consent_missing")})


def _keep_consent(
    organisation: Organisation,
    settings: RechargeSettings,
    actor: User,
    ip: str | None,
    at: datetime,
) -> Consent:
    currency = organisation.currency
    return Consent.objects.create(
        organisation=organisation,
        user=actor,
        given_at=at,
        ip=ip,
        text_version=TEXT_VERSION,
        text=consent_text(settings, currency),
        trigger=sold_money(settings.trigger, currency),
        amount=sold_money(settings.amount, currency),
        monthly_limit=sold_money(settings.monthly_limit, currency),
        payment_method=settings.payment_method,
    )


def _write(row: AutoRecharge, settings: RechargeSettings, *, at: datetime) -> None:
    currency = row.organisation.currency
    row.trigger = sold_money(settings.trigger, currency)
    row.amount = sold_money(settings.amount, currency)
    row.monthly_limit = sold_money(settings.monthly_limit, currency)
    row.payment_method, row.backup = settings.payment_method, settings.backup
    row.only_when_used = settings.only_when_used
    row.catches_up = settings.catches_up
    row.changed_at = at
    row.full_clean()
    row.save()


def _arm(wallet: Wallet, trigger: Micros | None, cause: RechargeCause) -> None:
    """The wallet wants a recharge from now on, or still does with what was changed."""
    wanted_before = wallet.recharge_wanted
    wallet.trigger = trigger
    refresh_wallets([wallet], cause=cause.value)
    if wanted_before and wallet.recharge_wanted:
        async_task(NUDGE, cause.value, wallet.organisation_id)


def _said(settings: RechargeSettings, currency: str) -> dict[str, str]:
    """The settings as the audit trail keeps them."""
    return {
        "trigger": str(sold_money(settings.trigger, currency)),
        "amount": str(sold_money(settings.amount, currency)),
        "monthly_limit": str(sold_money(settings.monthly_limit, currency)),
        "payment_method": str(settings.payment_method),
        "backup": str(settings.backup or ""),
        "only_when_used": str(settings.only_when_used),
        "catches_up": str(settings.catches_up),
    }


def _note(verb: str, row: AutoRecharge, reason: str, actor: User, at: datetime) -> None:
    record_audit(
        verb,
        at=at,
        organisation=row.organisation,
        actor=actor,
        object=f"auto-recharge:{row.pk}",
        reason=reason,
    )
