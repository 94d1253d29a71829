from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People, keys and notices")

    def ready(self) -> None:
        # Models can be imported only now.
        from accounts.adapters import watch_second_factor

        watch_second_factor()
