"""The demo's switch: asks before each call, and hands in its record when it has ended.

`python -m sandbox.switch`, started by the demo. A record that was not acknowledged is
handed in again, as a real switch would; the record id makes it count once.
"""

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sandbox.cast import COMPANIES
from sandbox.place_calls import Document, ended_at, place_call

PAUSE_SECONDS = (8, 25)  # a few calls a minute
LARGEST_BATCH = 100
ASKED = ("account_code", "from", "to", "direction", "user")


def main() -> int:
    site = os.environ["SITE_URL"]
    key = Path(os.environ["DEMO_FOLDER"], "switch-key").read_text().strip()
    dice = random.Random()
    running: list[Document] = []
    waiting: list[Document] = []
    while True:
        time.sleep(dice.uniform(*PAUSE_SECONDS))
        now = datetime.now(UTC)
        running += begin(ring(dice, at=now), site=site, key=key)
        waiting += [call for call in running if ended_at(call) <= now]
        running = [call for call in running if ended_at(call) > now]
        waiting = hand_in(waiting, site=site, key=key)


def ring(dice: random.Random, *, at: datetime) -> Document:
    """A call that begins at this moment; it will end when it says."""
    company = dice.choice(COMPANIES)
    return place_call(company, dice, at=at, record_id=f"live-{uuid.uuid4()}")


def begin(call: Document, *, site: str, key: str) -> Iterator[Document]:
    """The call, no longer than it may last; none where it is not let through."""
    question = {name: call[name] for name in ASKED if call.get(name)}
    if call.get("kind"):
        question["kind"] = call["kind"]
    question["call_id"] = call["source_record_id"]
    answer = post("calls/authorize", question, site=site, key=key)
    if answer is None:
        return
    if answer["decision"] != "allow":
        print(f"{_parties(call)}, refused: {answer['reason']}", flush=True)
        return
    call = call | {"authorization_id": answer.get("authorization_id")}
    most = answer.get("max_duration_s")
    if most and call["answered_at"]:
        begun = datetime.fromisoformat(str(call["answered_at"]))
        end = min(ended_at(call), begun + timedelta(seconds=most))
        call["ended_at"] = end.isoformat()
    yield call


def hand_in(calls: list[Document], *, site: str, key: str) -> list[Document]:
    """Posts a batch; what was not acknowledged comes back."""
    batch, later = calls[:LARGEST_BATCH], calls[LARGEST_BATCH:]
    answer = post("cdrs/batch", batch, site=site, key=key) if batch else None
    if answer is None:
        return calls
    for call, result in zip(batch, answer["results"], strict=True):
        said = f"{_parties(call)}, {result['status']} {result['detail']}"
        print(said.rstrip(), flush=True)
    return later


def post(address: str, body: Any, *, site: str, key: str) -> Any:
    """The answer, or None; why there is none is printed."""
    request = Request(
        f"{site}/api/v1/{address}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except HTTPError as error:
        print(f"{error.code} {error.read().decode(errors='replace')[:300]}", flush=True)
    except (URLError, OSError) as error:
        print(f"The web does not answer: {error}", flush=True)
    return None


def _parties(call: Document) -> str:
    return f"{call['account_code']}: {call['from']} → {call['to']}"


if __name__ == "__main__":
    sys.exit(main())
