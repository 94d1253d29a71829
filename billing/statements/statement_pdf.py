"""The statement of a month as PDF, in the organisation's language; kept for good."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Language, ProviderSettings
from billing.collecting.parties import parties_of
from billing.documents.invoice_sheet import day_text, footer_of, parties
from billing.documents.keep_document import keep
from billing.documents.layout import Column, Row, Sheet
from billing.models import Document
from billing.statements.read_statement import Statement, statement_rows
from calling.pool_size import period_of
from credits.display import date_text, last_day, money_text, plain_text


def keep_statement(statement: Statement, *, at: datetime) -> Document:
    """The document of a month that is over, rendered once."""
    if not statement.is_over:
        raise ValueError("A month's statement is kept once the month is over.")
    organisation = statement.organisation
    return keep(
        organisation,
        statement.reference,
        Language(organisation.language),
        lambda: statement_pdf(statement),
        at=at,
    )


def statement_pdf(statement: Statement) -> bytes:
    """Parties, what the month comes to, what is not posted yet, and every movement."""
    organisation = statement.organisation
    with override(organisation.language):
        told = parties_of(organisation, ProviderSettings.current())
        sheet = Sheet(
            title=_("Statement"),
            number=date_text(statement.month, "year_month"),
            provider=told["provider"]["name"],
            footer=footer_of(told),
        )
        parties(sheet, told)
        period = period_of(statement.month, organisation.zone)
        last = last_day(period.ends_at, organisation.zone)
        sheet.facts(
            [
                (_("First day"), date_text(statement.month, "long")),
                (_("Last day"), date_text(last, "long")),
                (_("Time zone"), organisation.time_zone),
                (_("Currency"), statement.currency),
            ]
        )
        _sums(sheet, statement)
        _rows(sheet, statement)
        return sheet.render()


def _sums(sheet: Sheet, statement: Statement) -> None:
    def money(amount: int) -> str:
        return money_text(amount, statement.currency)

    sheet.totals(
        [
            (_("Opening balance"), money(statement.opening)),
            *((str(one.label), money(one.shown)) for one in statement.movements),
            (_("Closing balance"), money(statement.closing)),
        ]
    )
    for one in statement.unposted:
        zone = statement.organisation.time_zone
        sheet.note(
            _(
                "Of the closing balance, %(amount)s expired on %(day)s. It is posted "
                "72 hours later, once no late call may draw from it."
            )
            % {
                "amount": money(one.amount),
                "day": day_text(last_day(one.lot.expires_at, one.lot.zone), zone),
            }
        )


def _rows(sheet: Sheet, statement: Statement) -> None:
    sheet.heading(_("Movements"))
    columns = [
        Column(_("Date"), 6),
        Column(_("Description"), 15),
        Column(_("Amount"), 7, is_amount=True),
        Column(_("Balance"), 7, is_amount=True),
    ]
    sheet.table(
        columns,
        [
            Row(
                [
                    date_text(row.day),
                    str(row.kind.label),
                    plain_text(row.shown, statement.currency, plus=True),
                    plain_text(row.balance_after, statement.currency),
                ]
            )
            for row in statement_rows(statement)
        ],
    )
