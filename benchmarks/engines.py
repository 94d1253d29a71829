"""The two databases a run works in: made by the run, copied per round, dropped after.

A world is seeded once; every round starts from a copy of it, so that each round meets
the same bytes. PostgreSQL copies by TEMPLATE, SQLite copies the file.
"""

import os
import shutil
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

# Another name lets two checkouts be measured at once on one server.
WORLD = os.environ.get("BENCH_NAME", "tollgate_bench")
ROUND = f"{WORLD}_round"
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"


class Engine(Protocol):
    """What a run needs of a database; Django is connected to `url`."""

    name: str
    url: str

    def create(self) -> None:
        """Makes an empty database at `url`."""

    def keep_world(self) -> None:
        """Makes what stands at `url` the world that rounds are copied from."""

    def start_round(self) -> None:
        """Puts a fresh copy of the world at `url`."""

    def drop(self) -> None:
        """Removes everything the run made."""


class PostgreSQL:
    """Databases `tollgate_bench…` on the server of a URL, and no others there."""

    name = "postgresql"

    def __init__(self, server: str) -> None:
        self.server = server
        self.url = urlunsplit(urlsplit(server)._replace(path=f"/{ROUND}"))

    def create(self) -> None:
        self.drop()
        self._run("CREATE DATABASE {}", ROUND)

    def keep_world(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
        self._run("ALTER DATABASE {} RENAME TO {}", ROUND, WORLD)

    def start_round(self) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", ROUND)
        self._run("CREATE DATABASE {} TEMPLATE {}", ROUND, WORLD)

    def drop(self) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", ROUND)
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", WORLD)

    def _run(self, statement: str, *names: str) -> None:
        named = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(named)


class SQLite:
    """Two files in a folder that the run removes."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.world = folder / f"{WORLD}.sqlite3"
        self.round = folder / f"{ROUND}.sqlite3"
        self.url = f"sqlite:///{self.round}"

    def create(self) -> None:
        self.drop()

    def keep_world(self) -> None:
        self.round.replace(self.world)

    def start_round(self) -> None:
        self._remove(self.round)
        shutil.copyfile(self.world, self.round)

    def drop(self) -> None:
        self._remove(self.world)
        self._remove(self.round)

    @staticmethod
    def _remove(file: Path) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)


def find_postgresql() -> str | None:
    """BENCH_DATABASE_URL, else a local server that trusts us, or None."""
    url = os.environ.get("BENCH_DATABASE_URL", LOCAL)
    if not url.startswith(("postgres://", "postgresql://")):
        raise SystemExit("BENCH_DATABASE_URL must start with postgres://")
    try:
        with psycopg.connect(url, connect_timeout=2):
            return url
    except psycopg.OperationalError as error:
        if "BENCH_DATABASE_URL" in os.environ:
            raise SystemExit(f"BENCH_DATABASE_URL does not answer: {error}") from error
        return None
