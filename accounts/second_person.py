"""Whether a second person of the staff could confirm what one of them asks for."""

from django.db.models import Q

from accounts.models import User


def others_may(user: User, permission: str) -> bool:
    """Whether anybody else of the staff has this permission, `app.codename`."""
    app, _, codename = permission.partition(".")
    may = Q(is_superuser=True)
    for way in ("user_permissions", "groups__permissions"):
        may |= Q(
            **{f"{way}__codename": codename, f"{way}__content_type__app_label": app}
        )
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    return staff.filter(may).exists()
