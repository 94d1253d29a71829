"""`python -m tests.hammer.everybody FILE`: eight processes at once for some seconds.

FILE is JSON: seed, seconds, when it begins, and how many hours go by in a second. Each
process has one part, its own connection and its own memory of facts: callers ask,
extend, settle, release and forget; another hands in records that nobody asked for;
one sweeps; a till charges cards and sends money back; a desk books transfers. Prints
what each did how often, and what was raised beyond refusals, as JSON.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

CALLERS = 4
PARTS = ("caller",) * CALLERS + ("records", "sweeps", "till", "desk")


class Clock:
    """The simulated time: hours go by in a second."""

    def __init__(self, begins: datetime, hours_a_second: float) -> None:
        self.begins = begins
        self.speed = 3_600 * hours_a_second
        self.since = time.monotonic()

    def now(self) -> datetime:
        passed = (time.monotonic() - self.since) * self.speed
        return self.begins + timedelta(seconds=passed)


def main(order: dict[str, Any]) -> None:
    import django

    django.setup()
    fork = get_context("fork")
    together = fork.Barrier(len(PARTS))
    answers = fork.SimpleQueue()
    processes = [
        fork.Process(target=play, args=(part, number, order, together, answers))
        for number, part in enumerate(PARTS)
    ]
    for process in processes:
        process.start()
    told = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    done: Counter[str] = Counter()
    for counts, _, _ in told:
        done.update(counts)
    errors = [error for _, error, _ in told if error]
    ended_at = max(at for _, _, at in told)
    print(json.dumps({"done": done, "errors": errors, "ended_at": ended_at}))  # noqa: T201


def play(
    part: str, number: int, order: dict[str, Any], together: Any, answers: Any
) -> None:
    """One process: its part again and again until the time is over."""
    # Models can be imported only once Django is set up.
    from accounts.refusals import TollgateError
    from tests.hammer.parts import make_part

    done: Counter[str] = Counter()
    error = ""
    clock = None
    try:
        chance = random.Random(f"{order['seed']}-{number}")
        act = make_part(part, number, chance)
        together.wait(timeout=60)
        clock = Clock(datetime.fromisoformat(order["begins"]), order["hours_a_second"])
        until = time.monotonic() + order["seconds"]
        while time.monotonic() < until:
            try:
                done[f"{part}: {act(clock.now)}"] += 1
            except TollgateError as refused:
                done[f"{part}: refused, {refused.code}"] += 1
    except Exception as problem:  # noqa: BLE001  # told to the test
        import traceback

        error = f"{part}: {problem!r} {traceback.format_exc()[-900:]}"
    answers.put((dict(done), error, clock.now().isoformat() if clock else ""))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    main(json.loads(Path(sys.argv[1]).read_text()))
