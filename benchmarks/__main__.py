"""`python -m benchmarks`: the scoreboard, as one table of ratios.

Each engine runs in a process of its own: SQLite always, PostgreSQL where one is found.
Only ratios are compared: ours and its anchor take turns in the same minutes. A row
whose state is not proven clean afterwards has no result.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.compare import read_accepted, worse
from benchmarks.engines import find_postgresql
from benchmarks.score import cores

HERE = Path(__file__).parent
RESULTS = HERE / "results"
Report = dict[str, Any]


def main() -> int:
    options = read_options()
    reports = [run_engine("sqlite", "", options)]
    server = find_postgresql()
    if server:
        reports.append(run_engine("postgresql", server, options))
    else:
        reports.append({"engine": "postgresql", "skipped": "no server answers"})
    print_table(options, reports)
    file = keep(options, reports)
    print(f"\nWritten to {file.relative_to(HERE.parent)}")
    problems = worse(reports, read_accepted())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def read_options() -> argparse.Namespace:
    """Options, or the environment variables that `make bench ROWS=1b ROUNDS=3` sets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", default=os.environ.get("ROWS", "all"))
    parser.add_argument(
        "--rounds", type=int, default=int(os.environ.get("ROUNDS") or 5)
    )
    parser.add_argument(
        "--calls", type=int, default=int(os.environ.get("CALLS") or 100_000)
    )
    options = parser.parse_args()
    if options.rounds < 1 or options.calls < 10_000:
        parser.error("at least one round and 10,000 calls")
    return options


def run_engine(name: str, server: str, options: argparse.Namespace) -> Report:
    """What the engine's own process reports."""
    with tempfile.TemporaryDirectory(prefix="tollgate_bench_") as folder:
        report = Path(folder) / "report.json"
        order = {"server": server, "folder": folder, **vars(options)}
        command = [sys.executable, "-m", "benchmarks.run_engine", json.dumps(order)]
        ended = subprocess.run(command, cwd=HERE.parent, check=False)
        if ended.returncode or not report.exists():
            return {"engine": name, "failed": f"exit code {ended.returncode}"}
        found: Report = json.loads(report.read_text())
        return found


def print_table(options: argparse.Namespace, reports: list[Report]) -> None:
    versions = ", ".join(f"{name} {version(name)}" for name in ("django", "psycopg"))
    print(f"\nTollgate scoreboard: {cores()} cores shared by client and server")
    print(f"Python {platform.python_version()}, {versions}")
    print(
        f"{options.calls:,} call records of 1,000 organisations in batches of 10,000, "
        f"{options.rounds} interleaved rounds, all fences on; medians"
    )
    for report in reports:
        print(f"{report['engine']}: {report.get('settings') or reason(report)}")
    print()
    print(
        f"{'row':<8}{'engine':<12}{'ours':>18}{'anchor':>18}"
        f"  {'ratio [min … max]':<24}{'target':>8}  verdict"
    )
    for report in reports:
        for line in report.get("lines", []):
            print_line(line)
        for row, why in report.get("no_result", {}).items():
            print(f"{row:<8}{report['engine']:<12}no result: {why}")


def reason(report: Report) -> str:
    if "skipped" in report:
        return f"skipped, {report['skipped']}"
    return f"failed, {report['failed']}"


def print_line(line: dict[str, Any]) -> None:
    unit = line["unit"]
    ratio = f"{line['ratio']:.2f} [{line['lowest']:.2f} … {line['highest']:.2f}]"
    print(
        f"{line['row']:<8}{line['engine']:<12}"
        f"{line['ours']:>11,.0f} {unit:<6}{line['against']:>11,.0f} {unit:<6}"
        f"  {ratio:<24}{'≥ ' + format(line['target'], '.2f'):>8}  {line['verdict']}"
        f"   {line['metric']} ÷ {line['anchor']}"
    )


def keep(options: argparse.Namespace, reports: list[Report]) -> Path:
    """Writes the run to results/<date>.json."""
    RESULTS.mkdir(exist_ok=True)
    ended = datetime.now(UTC)
    file = RESULTS / f"{ended:%Y-%m-%dT%H%M%S}.json"
    run = {
        "ended_at": ended.isoformat(timespec="seconds"),
        "cores": cores(),
        "calls": options.calls,
        "rounds": options.rounds,
        "python": platform.python_version(),
        "engines": reports,
    }
    file.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    return file


if __name__ == "__main__":
    sys.exit(main())
