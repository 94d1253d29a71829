"""What a move to NCE would do to an organisation now; changes nothing (rule 2.3)."""

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import BillingMode, Organisation
from billing.models import AutoRecharge, TransferAnnouncement, TransferState
from calling.postpaid import invoiced_on
from calling.refusals import NoTwinPlan
from calling.swap_plans import Swap, plan_swaps
from credits.funds import FundsRow, funds_rows
from credits.models import Lot, Wallet
from credits.money import Micros
from credits.statement import balance_of


@dataclass(frozen=True)
class MovePreview:
    """Amounts in micros of the organisation's currency; `obstacle` is a sentence."""

    recharge: AutoRecharge | None
    awaited: list[TransferAnnouncement]
    balance: Micros
    debt: Micros
    live_calls: int
    funds: list[FundsRow]
    swaps: list[Swap]
    first_invoice_on: date
    obstacle: str = ""

    @property
    def last_day(self) -> date | None:
        """When the last of the leftover credit expires."""
        return max((row.last_day for row in self.funds), default=None)


def preview_move(organisation: Organisation, at: datetime) -> MovePreview:
    """What a move would end, swap and leave; a few statements, nothing is locked."""
    today = organisation.local_day(at)
    wallet = Wallet.objects.get(pk=organisation.pk)
    balance = balance_of(wallet, at)
    lots = Lot.objects.filter(organisation=organisation).spendable(at).in_burn_order()
    awaited = TransferAnnouncement.objects.filter(
        organisation=organisation, state=TransferState.ANNOUNCED
    )
    swaps = plan_swaps(organisation, BillingMode.NCE, at=at)
    return MovePreview(
        recharge=AutoRecharge.objects.filter(organisation=organisation).first(),
        awaited=list(awaited.order_by("pk")),
        balance=balance.balance,
        debt=balance.debt,
        live_calls=wallet.live_calls,
        funds=funds_rows(list(lots), today=today),
        swaps=swaps,
        first_invoice_on=invoiced_on(organisation, today),
        obstacle=_obstacle(swaps),
    )


def _obstacle(swaps: list[Swap]) -> str:
    lonely = [swap.subscription.plan.name for swap in swaps if swap.twin is None]
    return str(NoTwinPlan(plan=", ".join(lonely))) if lonely else ""
