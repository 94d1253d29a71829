"""`python -m benchmarks.compare`: fails when a ratio fell below 0.8 of what it was.

Compares the newest file of results/, or those named, with accepted.json: the ratios of
the last release, by row and engine. A row that was not run is not compared; one that
was run and has no result fails. Ratios hold between machines, up to a fifth.
`make bench` says the same at its end.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACCEPTED = HERE / "accepted.json"
RESULTS = HERE / "results"
LEAST = 0.8
Ratios = dict[str, dict[str, float]]  # by engine and row


def main(names: list[str]) -> int:
    files = [Path(name) for name in names] or sorted(RESULTS.glob("*.json"))[-1:]
    if not files:
        print("There are no results; run make bench first.", file=sys.stderr)
        return 2
    accepted = read_accepted()
    problems = [
        problem
        for file in files
        for problem in worse(json.loads(file.read_text())["engines"], accepted)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("No ratio is below 0.8 of the accepted one.")
    return 1 if problems else 0


def read_accepted() -> Ratios:
    accepted: Ratios = json.loads(ACCEPTED.read_text())
    return accepted


def worse(reports: Iterable[dict[str, Any]], accepted: Ratios) -> list[str]:
    """A sentence for each row of a run that is worse than was accepted."""
    problems = []
    for report in reports:
        engine = report["engine"]
        known = accepted.get(engine, {})
        for row, why in report.get("no_result", {}).items():
            problems.append(f"{engine} row {row} has no result: {why}")
        if "failed" in report:
            problems.append(f"{engine} failed: {report['failed']}")
        for line in report.get("lines", []):
            least = LEAST * known.get(line["row"], 0)
            if line["ratio"] < least:
                problems.append(
                    f"{engine} row {line['row']}: {line['ratio']:.2f} is below"
                    f" {least:.2f}, 0.8 of the accepted {known[line['row']]:.2f}"
                )
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
