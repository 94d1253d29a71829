"""One of several processes that store calls at once; row 2 starts and times them.

Says `ready` once it has read its share of the calls, begins when it is told, and says
when it began and ended, by the clock that all processes of the machine share.
"""

import json
import sys
from itertools import islice
from time import monotonic
from typing import Any

from benchmarks.run_engine import set_up_django


def main(order: dict[str, Any]) -> None:
    set_up_django(order["url"])
    # Models can be imported only once Django is set up.
    from benchmarks.ingest_run import read_records
    from benchmarks.world import BATCH, BOOKED, account_code
    from calling.ingest import Batch, store_batches
    from calling.models import Source

    mine = {account_code(number) for number in range(order["share"], 1000, order["of"])}
    records = (one for one in read_records(order["calls"]) if one.account_code in mine)
    batches = []
    while found := list(islice(records, BATCH)):
        batches.append(Batch(found, BOOKED))
    source = Source.objects.get()
    print("ready", flush=True)
    sys.stdin.readline()
    started = monotonic()
    for _ in store_batches(source, batches):
        pass
    print(json.dumps([started, monotonic()]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
