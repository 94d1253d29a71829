"""R3, small: an importer killed at five random points loses and doubles nothing."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.environment import BASE_DIR
from tests.hammer.databases import ask, copy_of_database
from tests.hammer.world import Told, make_caller, make_switch, tell_call

KILLS = 5
RECORDS = 1_500
BATCH = 60
CALLERS = ("+886223456789", "+886223456790", "+886223456791")
UNOWNED = "+886277777777"
COUNTED = ("stored", "duplicates", "corrections", "waiting")

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# What a run leaves behind, under names that do not depend on ids. Booking times are
# left out; a call's number inside a reference is replaced by its record's.
LEFT = {
    "raw": "SELECT source_record_id, revision, digest, format, body, state, reason"
    " FROM calling_rawrecord ORDER BY 1, 2",
    "calls": "SELECT source_record_id, organisation_id, revision, line_id, kind,"
    " caller, callee, billable_seconds, flags FROM calling_callrecord ORDER BY 1",
    "charges": "SELECT c.source_record_id, h.organisation_id, h.revision, h.kind,"
    " h.prefix, h.rated_amount, h.billed_seconds, h.pool_seconds,"
    " h.pool_amount, h.credit_seconds, h.credit_amount, h.debt_seconds, h.debt_amount"
    " FROM calling_charge h JOIN calling_callrecord c ON c.id = h.call_record_id"
    " ORDER BY 1, 3",
    "entries": "SELECT organisation_id, wallet_seq, kind, lot_id, amount,"
    " balance_after, reference FROM credits_ledgerentry ORDER BY 1, 2",
    "lots": "SELECT id, remaining, exhausted_at IS NULL FROM credits_lot ORDER BY 1",
    "wallets": "SELECT organisation_id, credit, lapsed, debt, reserved, last_seq"
    " FROM credits_wallet ORDER BY 1",
    "pools": "SELECT organisation_id, family, bucket, period_start, remaining_seconds"
    " FROM calling_minutepool ORDER BY 1, 2, 3, 4",
    "days": "SELECT organisation_id, day, kind, calls, seconds, amount, pool_amount"
    " FROM calling_usageday ORDER BY 1, 2, 3",
}


def tell_day(chance: random.Random, at: datetime) -> list[Told]:
    """Calls of three wallets; some owned by nobody, some told again or corrected."""
    told: list[Told] = []
    for number in range(RECORDS):
        if told and chance.random() < 0.05:
            again = dict(chance.choice(told))
            if chance.random() < 0.6:
                again["billable_s"] = chance.randrange(1, 900)
            told.append(again)
        else:
            caller = UNOWNED if chance.random() < 0.02 else chance.choice(CALLERS)
            told.append(tell_call(chance, f"r{number}", caller, at))
    return told


def start_import(url: str, file: Path) -> "subprocess.Popen[str]":
    options = f"--format generic-json --source pbx --batch {BATCH} --json".split()
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_calls", str(file), *options],
        cwd=BASE_DIR,
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment(url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DEBUG": "false",
    }


def finish_import(url: str, file: Path) -> dict[str, Any]:
    process = start_import(url, file)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    counts: dict[str, Any] = json.loads(output)
    return counts


def kill_import(url: str, file: Path, *, stored: int, after: float) -> int:
    """Kills an importer a moment after so many records stand in the database."""
    process = start_import(url, file)
    while process.poll() is None and records_in(url) < stored:
        time.sleep(0.002)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode


def records_in(url: str) -> int:
    return int(ask(url, "SELECT count(*) FROM calling_rawrecord")[0][0])


def digest_of(url: str) -> dict[str, str]:
    """A digest for each table, without ids and booking times."""
    names: dict[int, str] = dict(
        ask(url, "SELECT id, source_record_id FROM calling_callrecord")
    )

    def named(value: object) -> object:
        if not isinstance(value, str):
            return value
        return re.sub(r"call:(\d+)", lambda at: f"call:{names[int(at[1])]}", value)

    found = {}
    for table, question in LEFT.items():
        digest = blake2b(digest_size=12)
        for row in ask(url, question):
            digest.update(repr(tuple(map(named, row))).encode())
        found[table] = digest.hexdigest()
    return found


def prove(url: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "manage.py", "verify_ledger", "--json"],
        cwd=BASE_DIR,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    proof: dict[str, Any] = json.loads(ended.stdout)
    return proof


def test_an_import_killed_five_times_ends_like_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # so that a failure can be played again
    chance, at = random.Random(seed), timezone.now()
    make_switch(at)
    for caller, lots in zip(CALLERS, (["400"], ["3"] * 6, []), strict=True):
        make_caller(caller, *lots, at=at)
    told = tell_day(chance, at)
    file = tmp_path / "day.json"
    file.write_text("\n".join(map(json.dumps, told)))
    points = sorted(chance.randrange(RECORDS * 8 // 10) for _ in range(KILLS))

    with (
        copy_of_database(tmp_path, "calm") as calm,
        copy_of_database(tmp_path, "killed") as killed,
    ):
        undisturbed = finish_import(calm, file)
        for point in points:
            after = chance.uniform(0, 0.05)
            ended = kill_import(killed, file, stored=point, after=after)
            assert ended == -signal.SIGKILL, f"not killed at {point}"
        rest = finish_import(killed, file)

        assert digest_of(killed) == digest_of(calm)
        for counts in (undisturbed, rest):
            assert sum(counts[name] for name in COUNTED) == RECORDS
        assert rest["duplicates"] > undisturbed["duplicates"]
        assert prove(killed)["breaches"] == []
