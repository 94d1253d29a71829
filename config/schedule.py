"""The timetable: everything that happens by itself, and nowhere else.

A sweep looks at state, so a run that was missed heals at the next. `sync_schedule`
writes this table into the worker's; cron times are UTC.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Timed(NamedTuple):
    """One line: what is called when, and what for."""

    name: str
    function: str
    cron: str
    sentence: str | Promise


SCHEDULE = (
    Timed(
        "expire lots",
        "credits.jobs.expire_lots",
        "*/10 * * * *",
        _("Marks lots whose last day is over and posts what late calls left."),
    ),
    Timed(
        "lapse holds",
        "calling.jobs.lapse_holds",
        "* * * * *",
        _("Releases what calls hold that ended without a record; bills nothing."),
    ),
    Timed(
        "settle waiting calls",
        "calling.jobs.settle_waiting",
        "*/5 * * * *",
        _("Tries again the call records that could not be rated or owned."),
    ),
    Timed(
        "tell of used minutes",
        "calling.jobs.tell_pools",
        "* * * * *",
        _("Owes the messages about plan minutes at 80 and 100 %."),
    ),
    Timed(
        "tell of line limits",
        "calling.jobs.tell_limits",
        "* * * * *",
        _("Owes the messages about lines near or at their monthly limit."),
    ),
    Timed(
        "tell of spending limits",
        "calling.jobs.tell_spending",
        "* * * * *",
        _("Owes the messages about spending limits used to 50, 80 and 100 %."),
    ),
    Timed(
        "tell of rate rises",
        "calling.jobs.tell_rises",
        "*/5 * * * *",
        _("Owes the messages about prices that rise, with the day they hold from."),
    ),
    Timed(
        "charge recharges",
        "billing.jobs.charge_recharges",
        "* * * * *",
        _("Recharges wallets below their trigger, and goes on with what did not end."),
    ),
    Timed(
        "tell of statements",
        "billing.jobs.tell_statements",
        "45 * * * *",
        _("Owes the messages that last month's statement is ready."),
    ),
    Timed(
        "close months",
        "billing.jobs.close_months",
        "20 * * * *",
        _("Drafts the invoices of months that have been over for 72 hours."),
    ),
    Timed(
        "issue invoices",
        "billing.jobs.issue_invoices",
        "*/10 * * * *",
        _("Issues what the close of a month has drafted: number, PDF, message."),
    ),
    Timed(
        "dun invoices",
        "billing.jobs.dun_invoices",
        "35 * * * *",
        _("Reminds of invoices that are due or late, and stops what is not paid."),
    ),
    Timed(
        "reconcile open orders",
        "billing.jobs.reconcile_orders",
        "*/15 * * * *",
        _("Asks Stripe about all that has not ended here, and for lost events."),
    ),
    Timed(
        "finish cards",
        "billing.jobs.finish_cards",
        "*/15 * * * *",
        _("Asks Stripe about cards whose event was lost; lets removed ones go."),
    ),
    Timed(
        "tell of expiring cards",
        "billing.jobs.tell_expiring_cards",
        "10 1 * * *",
        _("Owes the messages about saved cards that expire within thirty days."),
    ),
    Timed(
        "work waiting events",
        "billing.jobs.work_waiting_events",
        "*/5 * * * *",
        _("Works again the events of Stripe that no job managed to."),
    ),
    Timed(
        "compare with Stripe",
        "billing.jobs.compare_with_stripe",
        "20 3 * * *",
        _("Compares seven days of our books with Stripe's, in both directions."),
    ),
    Timed(
        "watch balances",
        "billing.jobs.watch_balances",
        "* * * * *",
        _("Owes the messages about balances that run low, are used up or are back."),
    ),
    Timed(
        "tell of expiry",
        "billing.jobs.tell_expiry",
        "25 * * * *",
        _("Owes the reminders at 60, 30, 7 and 1 days, and tells of what has expired."),
    ),
    Timed(
        "send notices",
        "accounts.jobs.send_notices",
        "* * * * *",
        _("Sends the messages that are owed and were not sent at once."),
    ),
    Timed(
        "deliver webhooks",
        "accounts.jobs.deliver_webhooks",
        "* * * * *",
        _("Posts events to customers' systems, again where it failed."),
    ),
    Timed(
        "forget failed jobs",
        "accounts.jobs.forget_failed_jobs",
        "50 3 * * *",
        _("Drops the notes of jobs about one thing that failed a week ago."),
    ),
    Timed(
        "forget webhooks",
        "accounts.jobs.forget_webhooks",
        "55 3 * * *",
        _("Drops events and deliveries of webhooks after 90 days, unless one failed."),
    ),
    Timed(
        "forget events",
        "billing.jobs.forget_events",
        "58 3 * * *",
        _("Drops the events of Stripe that were worked 90 days ago."),
    ),
    Timed(
        "forget exports",
        "calling.jobs.forget_exports",
        "40 3 * * *",
        _("Drops the lists of calls whose link has ended."),
    ),
    Timed(
        "watch feeds",
        "calling.jobs.watch_feeds",
        "*/5 * * * *",
        _("Gives staff a task when a source falls silent."),
    ),
)
