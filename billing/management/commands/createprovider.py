"""The first run of a real installation: who provides, who administers, what is sold.

Asks for what no flag gives. May be run again: it changes what is named and makes
nothing twice.
"""

import getpass
import os
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.audit import record_audit
from accounts.models import ProviderSettings, User
from accounts.verify_address import trust_address
from billing.set_terms import Limits, set_terms, usual_limits
from credits.money import currency_of, parse_amount

PASSWORD = "SUPERUSER_PASSWORD"  # noqa: S105  # the variable's name


class Command(BaseCommand):
    help = "Sets up the provider, the first administrator and the terms of sale."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", help="the provider's name, shown to customers")
        parser.add_argument("--support-email", help="where customers write to")
        parser.add_argument(
            "--email",
            help=f"the first administrator; the password is asked for or {PASSWORD}",
        )
        parser.add_argument(
            "--sell",
            action="append",
            metavar="CURRENCY[:MINIMUM:MAXIMUM:BALANCE]",
            help="a currency credits are sold in; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        name = options["name"] or _ask("Name of the provider")
        support = options["support_email"] or _ask("Support e-mail")
        email = options["email"] or _ask("E-mail of the first administrator")
        sold = options["sell"] or _ask("Currencies, such as USD TWD").split()
        try:
            terms = [_terms(line) for line in sold]
            with transaction.atomic():
                _provider(name, support, at=at)
                admin = _administrator(email)
                for currency, limits in terms:
                    set_terms(currency, limits, actor=admin, at=at)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from None
        currencies = ", ".join(currency for currency, _limits in terms)
        self.stdout.write(f"{name}: {email} administers, sold in {currencies}.")
        self.stdout.write("Next: import a rate card, then manage.py connect_stripe.")


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise CommandError(f"{question}: give it by a flag (see --help).", returncode=2)
    answer = input(f"{question}: ").strip()
    if not answer:
        raise CommandError(f"{question}: nothing was entered.", returncode=2)
    return answer


def _terms(line: str) -> tuple[str, Limits]:
    """`USD`, or `USD:50:10000:50000`."""
    code, *figures = line.split(":")
    currency = currency_of(code.upper())
    if not figures:
        return currency.code, usual_limits(currency.code)
    if len(figures) != 3:
        raise CommandError(
            f"{line}: write a currency alone, or CURRENCY:MINIMUM:MAXIMUM:BALANCE.",
            returncode=2,
        )
    return currency.code, Limits(*(parse_amount(one, currency) for one in figures))


def _provider(name: str, support_email: str, *, at: datetime) -> None:
    provider = ProviderSettings.current()
    provider.name, provider.support_email = name, support_email
    provider.full_clean()
    provider.save()
    record_audit("create_provider", at=at, object="provider:1", after={"name": name})


def _administrator(email: str) -> User:
    known = User.objects.filter(email__iexact=email).first()
    if known is not None and known.is_superuser:
        return known
    if known is not None:
        raise CommandError(f"{email} is a customer's account.", returncode=2)
    password = os.environ.get(PASSWORD) or _new_password()
    user = User(email=email.lower())
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    made = User.objects.create_superuser(email, password)
    trust_address(made)
    return made


def _new_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError(f"Set {PASSWORD} for the new administrator.", returncode=2)
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ.", returncode=2)
    return password
