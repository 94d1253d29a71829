"""The schema of the test database: migrated once, then copied for every run.

Migrating takes fifteen seconds, for each worker and each engine; a copy takes one.
What was built is known by a digest of all migrations, so a changed one builds anew.
The copy is migrated too, which finds nothing to do.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from tests.machine import ROOT

CACHE = ROOT / ".pytest_cache"
KEPT = 3  # files of earlier digests, for those who go back and forth


def digest_of_migrations() -> str:
    """Also of the installed versions, whose migrations are among them."""
    seen = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for file in sorted(ROOT.glob("*/*migrations/**/*")):
        if file.suffix in {".py", ".sql"}:
            seen.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return seen.hexdigest()[:12]


def copy_sqlite(target: Path) -> None:
    """A migrated SQLite file at `target`."""
    CACHE.mkdir(exist_ok=True)
    built = CACHE / f"schema-{digest_of_migrations()}.sqlite3"
    with _alone():
        if not built.exists():
            unfinished = built.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            _migrate(f"sqlite:///{unfinished}")
            unfinished.rename(built)
            _forget_old()
        shutil.copyfile(built, target)


def template_on_postgresql(server: str) -> str:
    """The name of a migrated database there, to be copied; `server` is its URL."""
    name = f"test_tollgate_schema_{digest_of_migrations()}"
    with _alone(), psycopg.connect(f"{server}/postgres", autocommit=True) as link:
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if link.execute(known, [name]).fetchone():
            return name
        unfinished = f"{name}_unfinished"
        names = {"new": sql.Identifier(unfinished), "name": sql.Identifier(name)}
        drop = sql.SQL("DROP DATABASE IF EXISTS {new} WITH (FORCE)")
        link.execute(drop.format(**names))
        link.execute(sql.SQL("CREATE DATABASE {new}").format(**names))
        _migrate(f"{server}/{unfinished}")
        _forget_old_templates(link)
        rename = sql.SQL("ALTER DATABASE {new} RENAME TO {name}")
        link.execute(rename.format(**names))
    return name


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time; the other workers wait and find it built."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "schema.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(url: str) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _forget_old() -> None:
    built = sorted(
        CACHE.glob("schema-*.sqlite3"), key=lambda file: file.stat().st_mtime
    )
    for file in built[:-KEPT]:
        file.unlink()


def _forget_old_templates(link: psycopg.Connection) -> None:
    old = "SELECT datname FROM pg_database WHERE datname ~ %s"
    for (name,) in link.execute(old, [r"^test_tollgate_schema_\w{12}$"]).fetchall():
        # One that is being copied right now stays until next time.
        with suppress(psycopg.errors.ObjectInUse):
            link.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
