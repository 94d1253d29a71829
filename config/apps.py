from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Installed for its commands and checks; it has no models."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  # registers them once apps are loaded
