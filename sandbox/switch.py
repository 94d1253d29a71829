"""The demo's switch: goes on placing calls and hands in their records over HTTP.

`python -m sandbox.switch`, started by the demo. A record that was not acknowledged is
handed in again, as a real switch would; the record id makes it count once.
"""

import json
import os
import random
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sandbox.cast import COMPANIES
from sandbox.place_calls import Document, ended_at, moved, place_call

PAUSE_SECONDS = (8, 25)  # a few calls a minute
LARGEST_BATCH = 100


def main() -> int:
    site = os.environ["SITE_URL"]
    key = Path(os.environ["DEMO_FOLDER"], "switch-key").read_text().strip()
    dice = random.Random()
    waiting: list[Document] = []
    while True:
        time.sleep(dice.uniform(*PAUSE_SECONDS))
        waiting.append(ring(dice, at=datetime.now(UTC)))
        waiting = hand_in(waiting, site=site, key=key)


def ring(dice: random.Random, *, at: datetime) -> Document:
    """A call that ends at this moment."""
    company = dice.choice(COMPANIES)
    call = place_call(company, dice, at=at, record_id=f"live-{uuid.uuid4()}")
    return moved(call, at - ended_at(call))


def hand_in(calls: list[Document], *, site: str, key: str) -> list[Document]:
    """Posts a batch; what was not acknowledged comes back."""
    batch, later = calls[:LARGEST_BATCH], calls[LARGEST_BATCH:]
    request = Request(
        f"{site}/api/v1/cdrs/batch",
        data=json.dumps(batch).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=30) as answer:
            results = json.loads(answer.read())["results"]
    except HTTPError as error:
        print(f"{error.code} {error.read().decode(errors='replace')[:300]}", flush=True)
        return calls
    except (URLError, OSError) as error:
        print(f"The web does not answer: {error}", flush=True)
        return calls
    for call, result in zip(batch, results, strict=True):
        what = f"{call['account_code']}: {call['from']} → {call['to']}"
        print(f"{what}, {result['status']} {result['detail']}".rstrip(), flush=True)
    return later


if __name__ == "__main__":
    sys.exit(main())
