"""An organisation is opened: from then on it can buy, call and be billed.

One transaction makes everything that must never be missing: the organisation, its first
billing mode period, its owner, its wallet and the audit event (rule 1.2). The currency
is fixed here and must be one that is offered; the terms accepted are kept (rule 1.8).
Locks nothing: all rows are new.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import (
    BillingMode,
    BillingModePeriod,
    Membership,
    Organisation,
    Role,
    User,
)
from billing.offered_currencies import offered_currencies
from credits.models import Wallet

LONGEST_SLUG = 40  # what an account code may have


def open_organisation(
    *,
    owner: User,
    name: str,
    country: str,
    currency: str,
    time_zone: str,
    language: str,
    billing_email: str,
    address: str = "",
    tax_id: str = "",
    terms_version: str,
    at: datetime,
    billing_mode: BillingMode = BillingMode.PREPAID,
) -> Organisation:
    """The organisation, ready for use; a ValidationError names what is wrong."""
    if currency not in offered_currencies(at):
        raise ValidationError(
            {
                "currency": ValidationError(
                    _("Credits are not sold in %(currency)s."),
                    "currency_not_offered",
                    {"currency": currency},
                )
            }
        )
    organisation = Organisation(
        name=name.strip(),
        country=country,
        currency=currency,
        time_zone=time_zone,
        language=language,
        billing_email=billing_email,
        address=address,
        tax_id=tax_id,
        billing_mode=billing_mode,
        terms_version=terms_version,
        opened_at=at,
    )
    with transaction.atomic():
        organisation.slug = _free_slug(name)
        organisation.account_code = organisation.slug.upper()
        organisation.full_clean()
        organisation.save()
        _furnish(organisation, owner=owner, at=at)
    return organisation


def _furnish(organisation: Organisation, *, owner: User, at: datetime) -> None:
    BillingModePeriod.objects.create(
        organisation=organisation,
        billing_mode=organisation.billing_mode,
        starts_at=at,
    )
    Membership.objects.create(user=owner, organisation=organisation, role=Role.OWNER)
    Wallet.objects.create(organisation=organisation, currency=organisation.currency)
    record_audit(
        "open_organisation",
        at=at,
        organisation=organisation,
        actor=owner,
        object=f"organisation:{organisation.slug}",
        after={
            "currency": organisation.currency,
            "billing_mode": organisation.billing_mode,
            "terms_version": organisation.terms_version,
        },
    )


def _free_slug(name: str) -> str:
    """`formosa`, or `formosa-2` where that is taken; never empty."""
    wanted = slugify(name)[: LONGEST_SLUG - 6].strip("-") or "organisation"
    taken = set(
        Organisation.objects.filter(slug__startswith=wanted).values_list(
            "slug", flat=True
        )
    )
    free, number = wanted, 1
    while free in taken:
        number += 1
        free = f"{wanted}-{number}"
    return free
