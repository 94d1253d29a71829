"""An address that somebody vouches for needs no code by mail.

For accounts that staff, a command or the demo make; whoever signs up proves the address
with a code instead. Asking twice changes nothing.
"""

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


def trust_address(user: User) -> None:
    """The user's address counts as verified and is the primary one."""
    with transaction.atomic():
        others = EmailAddress.objects.filter(user=user, primary=True)
        others.exclude(email__iexact=user.email).update(primary=False)
        EmailAddress.objects.update_or_create(
            user=user,
            email=user.email.lower(),
            defaults={"verified": True, "primary": True},
        )
