from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # Models can be imported only now.
        from accounts.adapters import watch_second_factor

        watch_second_factor()
