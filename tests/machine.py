"""What this machine can run: the programs some tests need, and a PostgreSQL.

A test that needs a program carries the marker of that name. Where the program is
missing the test is skipped with a sentence; with CI=true it fails, so that CI cannot go
green by running less.
"""

import hashlib
import os
import shutil
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
# marker → the programs its tests start, by the names they have on Debian
PROGRAMS = {
    "browser": ("chromium",),
    "gettext": ("xgettext", "msguniq"),
    "sip": ("kamailio", "sipp"),
}
LOCAL_POSTGRESQL = "postgres://postgres@127.0.0.1:5432"


def on_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def missing_program(marker: str) -> str | None:
    """A sentence that says what is missing, or None if all is there."""
    for program in PROGRAMS[marker]:
        if shutil.which(program) is None:
            return f"{program} is not installed, so {marker} tests cannot run."
    return None


def find_postgresql() -> tuple[str | None, str]:
    """(URL of a database for the tests, or None; a sentence that says why).

    TEST_DATABASE_URL comes first; else 127.0.0.1:5432 if it trusts user postgres. The
    database is always named test_tollgate_*, one per checkout, and made by the tests.
    """
    if given := os.environ.get("TEST_DATABASE_URL", ""):
        if given.startswith("postgres"):
            return given, "PostgreSQL by TEST_DATABASE_URL."
        return None, "TEST_DATABASE_URL does not name a PostgreSQL."
    try:
        with psycopg.connect(f"{LOCAL_POSTGRESQL}/postgres", connect_timeout=3) as link:
            version = link.info.server_version // 10_000
    except psycopg.OperationalError:
        return None, (
            "TEST_DATABASE_URL is not set and no PostgreSQL on 127.0.0.1:5432 "
            "trusts user postgres."
        )
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return (
        f"{LOCAL_POSTGRESQL}/test_tollgate_{checkout}",
        f"PostgreSQL {version} on 127.0.0.1:5432.",
    )
