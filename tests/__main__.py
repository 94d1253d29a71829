"""`make test`: every test on SQLite, then on PostgreSQL those that touch a database.

`python -m tests [pytest arguments]`. The second pass leaves out tests to which
pytest-django closes the database, since no engine can change their answer. Says what
was left out and why; with CI=true whatever is missing is a failure.
"""

import os
import subprocess
import sys

from tests.machine import PROGRAMS, find_postgresql, missing_program, on_ci

PYTEST = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "loadgroup"]
NO_TESTS = 5  # pytest's exit status where a selection matches nothing


def main(arguments: list[str]) -> int:
    url, postgresql = find_postgresql()
    missing = [reason for marker in PROGRAMS if (reason := missing_program(marker))]
    if url is None:
        missing.append(f"{postgresql} The PostgreSQL pass cannot run.")
    if missing and on_ci():
        print("CI runs every test, but:", *missing, sep="\n  ")
        return 1

    failed = []
    if not _passes("SQLite", None, arguments):
        failed.append("SQLite")
    if url and not _passes(postgresql, url, [*arguments, "--database-only"]):
        failed.append("PostgreSQL")

    for reason in missing:
        print(f"Skipped: {reason}")
    print("Failed on " + " and ".join(failed) + "." if failed else "All passed.")
    return 1 if failed else 0


def _passes(engine: str, url: str | None, arguments: list[str]) -> bool:
    print(f"\n── {engine}", flush=True)
    environment = {
        name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"
    }
    if url:
        environment["TEST_DATABASE_URL"] = url
    status = subprocess.run([*PYTEST, *arguments], env=environment, check=False)
    # A hand-picked selection may have nothing that touches a database.
    nothing_picked = bool(url and arguments[:-1]) and status.returncode == NO_TESTS
    return status.returncode == 0 or nothing_picked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
