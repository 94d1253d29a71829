"""The demo's organisations: opened by the product's own verb, then furnished.

Everything is made once; asked again, what is there is left alone.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import BillingMode, Organisation, ProviderSettings, User
from accounts.verify_address import trust_address
from billing.open_organisation import open_organisation
from billing.set_terms import set_terms, usual_limits
from calling.models import (
    CallingPlan,
    Licence,
    Line,
    NumberAssignment,
    ServiceKind,
    Subscription,
)
from sandbox.cast import CONTOSO, PASSWORD, PROVIDER, STAFF, Company, Extension, Login


def seed_provider(*, at: datetime) -> User:
    ProviderSettings.objects.get_or_create(
        pk=1,
        defaults={
            "name": PROVIDER,
            "address": "7 Harbour Street\nTaipei",
            "tax_id": "24536806",
            "bank_details": "First Example Bank\nAccount 0000-1234-5678",
            "support_email": "support@northline.example",
            "support_phone": "+886 2 5555 0000",
        },
    )
    set_terms("USD", usual_limits("USD"), actor=None, at=at)
    staff = seed_login(STAFF)
    User.objects.filter(pk=staff.pk).update(is_staff=True, is_superuser=True)
    return staff


def seed_login(login: Login) -> User:
    user = User.objects.filter(email=login.email).first()
    if user is None:
        user = User.objects.create_user(login.email, PASSWORD, name=login.name)
    trust_address(user)
    return user


@transaction.atomic
def seed_company(company: Company, *, at: datetime) -> Organisation:
    """The organisation with its lines, numbers and plans; all of it or nothing."""
    known = Organisation.objects.filter(slug=company.slug).first()
    if known is not None:
        return known
    opened_at = at - timedelta(days=company.opened_days_ago)
    owner = seed_login(company.owner)
    organisation = open_organisation(
        owner=owner,
        name=company.name,
        country=company.country,
        currency="USD",
        time_zone=company.time_zone,
        language=company.language,
        billing_email=company.billing_email,
        terms_version="1",
        billing_mode=BillingMode.NCE if company is CONTOSO else BillingMode.PREPAID,
        at=opened_at,
    )
    lines = [
        _seed_line(organisation, extension, opened_at)
        for extension in company.extensions
    ]
    _seed_service_numbers(organisation, company, opened_at)
    _seed_plans(organisation, company, lines, opened_at)
    return organisation


def _seed_line(
    organisation: Organisation, extension: Extension, opened_at: datetime
) -> Line:
    line = Line.objects.create(
        organisation=organisation,
        name=extension.name,
        kind=extension.kind,
        identity=extension.identity,
        usage_country=organisation.country,
        department=extension.department,
    )
    NumberAssignment.objects.create(
        organisation=organisation,
        number=extension.number,
        line=line,
        starts_at=opened_at,
    )
    return line


def _seed_service_numbers(
    organisation: Organisation, company: Company, opened_at: datetime
) -> None:
    numbers = (
        (company.toll_free_number, ServiceKind.TOLL_FREE, False),
        (company.bridge_number, ServiceKind.TOLL, True),
    )
    for number, kind, is_bridge in numbers:
        NumberAssignment.objects.create(
            organisation=organisation,
            number=number,
            service_kind=kind,
            is_bridge=is_bridge,
            starts_at=opened_at,
        )


def _seed_plans(
    organisation: Organisation,
    company: Company,
    lines: list[Line],
    opened_at: datetime,
) -> None:
    """The first lines get the licences; the rest call without a plan."""
    for family, licences in company.plans:
        plan = CallingPlan.objects.get(
            family=family,
            billing_mode=organisation.billing_mode,
            price_currency=organisation.currency,
        )
        subscription = Subscription.objects.create(
            organisation=organisation,
            plan=plan,
            quantity=licences,
            starts_at=opened_at,
        )
        for line in lines[:licences]:
            Licence.objects.create(
                organisation=organisation,
                subscription=subscription,
                line=line,
                assigned_at=opened_at,
            )
