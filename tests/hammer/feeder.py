"""`python -m tests.hammer.feeder FILE`: processes that hand in call records at once.

FILE is JSON: for each process its batches, each a list of records in generic JSON.
Every process has its own connection; they start together. Prints what became of the
records and what was raised, as JSON.
"""

import json
import os
import sys
from collections import Counter
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Batches = list[list[dict[str, Any]]]


def main(order: dict[str, Any]) -> None:
    import django

    django.setup()
    fork = get_context("fork")
    together = fork.Barrier(len(order["shares"]))
    answers = fork.SimpleQueue()
    at = datetime.fromisoformat(order["at"])
    processes = [
        fork.Process(target=feed, args=(share, order["source"], at, together, answers))
        for share in order["shares"]
    ]
    for process in processes:
        process.start()
    told = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    outcomes = sum((Counter(counts) for counts, _ in told), Counter())
    errors = [error for _, error in told if error]
    print(json.dumps({"outcomes": outcomes, "errors": errors}))  # noqa: T201


def feed(share: Batches, slug: str, at: datetime, together: Any, answers: Any) -> None:
    """One process: its batches in their order."""
    # Models can be imported only once Django is set up.
    from calling.formats.record import CallRecordIn, Profile
    from calling.formats.registry import parse_stream
    from calling.ingest import store_call_records
    from calling.models import Source

    counts: Counter[str] = Counter()
    error = ""
    try:
        source = Source.objects.get(slug=slug)
        profile = Profile.of(source)
        together.wait(timeout=60)
        for batch in share:
            text = "\n".join(map(json.dumps, batch)).encode()
            rows = parse_stream("generic-json", [text], profile)
            records = [row for row in rows if isinstance(row, CallRecordIn)]
            result = store_call_records(source, records, at=at)
            counts.update(outcome.status for outcome in result.outcomes)
    except Exception as problem:  # noqa: BLE001  # told to the test
        error = repr(problem)
    answers.put((dict(counts), error))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    main(json.loads(Path(sys.argv[1]).read_text()))
