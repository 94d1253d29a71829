"""The owner hands an organisation over to another member (rule 1.8).

The new owner may do everything from then on; the old one stays as a billing admin. The
memberships are locked, so that two who press at once cannot leave two owners or none.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Membership, Organisation, Role, User
from accounts.refusals import TollgateError


class NotTheOwner(TollgateError):
    """Only the owner hands an organisation over, and only to a member."""

    code = "not_the_owner"
    sentence = _("Only the owner can hand the organisation over, to another member.")
    status = 403


def transfer_ownership(
    organisation: Organisation, to: User, *, actor: User, at: datetime
) -> Membership:
    """The membership of the new owner."""
    with transaction.atomic():
        team = Membership.objects.select_for_update().order_by("pk")
        roles = {one.user_id: one for one in team.filter(organisation=organisation)}
        mine, theirs = roles.get(actor.pk), roles.get(to.pk)
        if mine is None or theirs is None or mine == theirs or not to.is_active:
            raise NotTheOwner
        if mine.role != Role.OWNER:
            raise NotTheOwner
        before = {actor.email: mine.role, to.email: theirs.role}
        mine.role, theirs.role = Role.BILLING_ADMIN, Role.OWNER
        for one in (mine, theirs):
            one.save(update_fields=["role"])
        record_audit(
            "transfer_ownership",
            at=at,
            organisation=organisation,
            actor=actor,
            object=to.email,
            before=before,
            after={actor.email: mine.role, to.email: theirs.role},
        )
    return theirs
