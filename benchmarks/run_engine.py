"""The rows of one engine, in a process of its own; `benchmarks.__main__` starts it."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine, PostgreSQL, SQLite
from benchmarks.score import Line, Sample, Score

ROW_FILES = {
    "1": "r01_bulk_ingest",
    "1b": "r01_bulk_ingest",
    "2": "r02_two_workers",
    "3": "r03_orm_per_row",
    "5": "r05_four_statements",
    "6": "r06_one_organisation",
    "8": "r08_authorise",
    "9": "r08_authorise",
    "10": "r08_authorise",
    "11": "r11_statements",
    "12": "r12_prefix",
    "14": "r14_large_ledger",
    "15": "r15_recharge_sweep",
    "16": "r16_recharge_claims",
    "17": "r17_expiry_sweep",
    "18": "r18_month_close",
    "19": "r19_sqlite",
    "21": "r21_replay",
    "webhook": "webhook",
}

ON_REQUEST = frozenset({"14"})  # takes minutes and gigabytes


def main(order: dict[str, Any]) -> None:
    folder = Path(order["folder"])
    server: str = order["server"]
    engine: Engine = PostgreSQL(server) if server else SQLite(folder)
    start_django(engine)
    # Models can be imported only once Django is set up.
    from benchmarks.world import build_world

    try:
        engine.create()
        build_world()
        leave(engine.keep_world)
        files = chosen(order["rows"])
        found = run_rows(engine, files, order["rounds"], order["calls"])
    finally:
        leave(engine.drop)
    (folder / "report.json").write_text(json.dumps(found, ensure_ascii=False))


def start_django(engine: Engine) -> None:
    set_up_django(engine.url)


def set_up_django(url: str) -> None:
    os.environ["DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.dev"
    os.environ["DEBUG"] = "false"  # else Django keeps every query it ran
    import django

    django.setup()


def leave(work: Callable[[], None]) -> None:
    """Does something to the database that wants nobody connected."""
    from django.db import connection

    connection.close()
    work()


def chosen(rows: str) -> list[str]:
    """The files of the rows asked for, each once, in the order of the scoreboard."""
    wanted = [row for row in ROW_FILES if row not in ON_REQUEST]
    if rows != "all":
        wanted = rows.split(",")
    unknown = [row for row in wanted if row not in ROW_FILES]
    if unknown:
        sys.exit(f"No such row: {', '.join(unknown)}; there are {', '.join(ROW_FILES)}")
    return list(dict.fromkeys(ROW_FILES[row] for row in wanted))


def run_rows(
    engine: Engine, files: Iterable[str], rounds: int, calls: int
) -> dict[str, Any]:
    from benchmarks.clean import NotClean

    lines: list[dict[str, object]] = []
    no_result: dict[str, str] = {}
    for file in files:
        row = import_module(f"benchmarks.rows.{file}")
        scores: list[Score] = row.scores(engine.name)
        if not scores:
            continue
        try:
            samples = play(engine, row, min(rounds, row.ROUNDS), calls)
        except NotClean as problem:
            no_result.update({score.row: str(problem) for score in scores})
            continue
        lines += [
            Line.of(score, engine.name, samples[score.row]).as_dict()
            for score in scores
        ]
    return {
        "engine": engine.name,
        "settings": settings(engine),
        "lines": lines,
        "no_result": no_result,
    }


def play(engine: Engine, row: Any, rounds: int, calls: int) -> dict[str, list[Sample]]:
    """Each round in a fresh copy of the world; the first only warms up."""
    gathered: dict[str, list[Sample]] = {}
    for number in range(rounds + 1):
        leave(engine.start_round)
        size = calls if number else min(calls, 10_000)
        for key, sample in row.play(engine, size).items():
            said = f"{engine.name} row {key} round {number}: {sample.ratio:.3f}"
            print(said if number else f"{said} (warm-up)", file=sys.stderr)
            if number:
                gathered.setdefault(key, []).append(sample)
    return gathered


def settings(engine: Engine) -> str:
    """The engine's version and what makes it durable."""
    from django.db import connection

    leave(engine.start_round)
    with connection.cursor() as cursor:
        if engine.name == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            said = f"{cursor.fetchone()[0]}"
            names = ["journal_mode", "synchronous", "foreign_keys"]
            ask = "PRAGMA {}"
        else:
            cursor.execute("SHOW server_version")
            said = f"{cursor.fetchone()[0]}"
            names = ["fsync", "synchronous_commit", "full_page_writes"]
            names += ["wal_level", "shared_buffers"]
            ask = "SHOW {}"
        for name in names:
            cursor.execute(ask.format(name))
            said += f" {name}={cursor.fetchone()[0]}"
    return said


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
