"""Reads settings from the environment and fails loudly.

Every value is typed. What is missing or malformed stops the start with one sentence
that names the variable; nothing falls back to a guess outside development.
"""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

BASE_DIR = Path(__file__).resolve().parent.parent
SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    # SQLite ignores select_for_update; IMMEDIATE is what makes writers take turns.
    "transaction_mode": "IMMEDIATE",
    # recursive_triggers: without it INSERT OR REPLACE deletes past our triggers.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
    "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; "
    "PRAGMA journal_size_limit=27103364;",
}

env = Env()


def text(name: str, default: str | None = None) -> str:
    """A non-empty text; `default=None` makes the variable required."""
    try:
        value = str(env.str(name) if default is None else env.str(name, default))
    except EnvError as error:
        raise ImproperlyConfigured(f"Set {name}: {error}") from error
    if not value.strip() and default is None:
        raise ImproperlyConfigured(f"Set {name}: it is empty.")
    return value


def flag(name: str, default: bool) -> bool:  # noqa: FBT001  # it is the default
    """True or false; any third word is refused."""
    try:
        return bool(env.bool(name, default))
    except EnvError as error:
        raise ImproperlyConfigured(f"{name} is neither true nor false.") from error


def whole_number(name: str, default: int) -> int:
    """A number that is not negative."""
    try:
        value = int(env.int(name, default))
    except EnvError as error:
        raise ImproperlyConfigured(f"{name} is not a whole number.") from error
    if value < 0:
        raise ImproperlyConfigured(f"{name} is negative.")
    return value


def words(name: str, default: list[str] | None = None) -> list[str]:
    """A comma-separated list; `default=None` makes the variable required."""
    try:
        found = env.list(name) if default is None else env.list(name, default)
    except EnvError as error:
        raise ImproperlyConfigured(f"Set {name}: {error}") from error
    return [str(word).strip() for word in found if str(word).strip()]


def database(url: str, *, pool: bool = False) -> dict[str, Any]:
    """Django's database settings for SQLite or PostgreSQL, with our safe options."""
    settings: dict[str, Any] = dict(dj_database_url.parse(url))
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        # A test database in memory is shared by name; WAL needs a file and is ignored.
        settings["ENGINE"] = "config.sqlite"
        settings["OPTIONS"] = dict(SQLITE_OPTIONS)
    elif settings["ENGINE"] == "django.db.backends.postgresql":
        settings["CONN_MAX_AGE"] = 0 if pool else 60
        settings["CONN_HEALTH_CHECKS"] = not pool
        options = settings.setdefault("OPTIONS", {})
        # Compiling a statement of ours takes longer than running it: 0.9 s for one
        # that takes 30 ms, decided by a cost that is only estimated.
        options.setdefault("options", "-c jit=off")
        if pool:
            options["pool"] = {"min_size": 2, "max_size": 8, "timeout": 5}
    else:
        raise ImproperlyConfigured(
            "DATABASE_URL must name SQLite or PostgreSQL: sqlite:///… or postgres://…"
        )
    return settings
