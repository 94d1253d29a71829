"""R2, small: eight processes on few wallets, and the ledger is proven afterwards."""

import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from billing.prove import prove as prove_billing
from calling.live.lapse_holds import lapse_stale_holds
from calling.models import CallRecord, Charge, LineMonth, MinutePool, RawRecord
from calling.prove import prove as prove_calls
from config.environment import BASE_DIR
from credits.expire import expire_due_lots
from credits.models import Hold, LedgerEntry, Wallet
from credits.prove import prove as prove_credits
from tests.hammer.databases import ask, url_of
from tests.hammer.world import Told, make_caller, make_crowd, make_switch, tell_call

PROCESSES = 8
RECORDS = 800
CALLER = "+886223456789"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
]


def shares_of(chance: random.Random, records: list[Told]) -> list[list[list[Told]]]:
    """Every record to two processes, each in an order and in batches of its own."""
    shares: list[list[Told]] = [[] for _ in range(PROCESSES)]
    for record in records:
        for share in chance.sample(shares, 2):
            share.append(record)
    return [in_batches(chance, share) for share in shares]


def in_batches(chance: random.Random, share: list[Told]) -> list[list[Told]]:
    chance.shuffle(share)
    batches = []
    while share:
        size = chance.choice((1, 5, 20, 60))
        batches.append(share[:size])
        share = share[size:]
    return batches


def feed(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    return run("feeder", order, folder)


def run(module: str, order: dict[str, Any], folder: Path) -> dict[str, Any]:
    file = folder / "order.json"
    file.write_text(json.dumps(order))
    url = url_of()
    connection.close()
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.hammer.{module}", str(file)],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "DEBUG": "false"}
        | {"DJANGO_SETTINGS_MODULE": "config.settings.dev"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def deadlocks() -> int:
    rows = ask(
        url_of(),
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    )
    return int(rows[0][0])


def test_eight_processes_settle_each_call_of_one_wallet_once(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # so that a failure can be played again
    chance, at = random.Random(seed), timezone.now()
    source = make_switch(at)
    organisation = make_caller(CALLER, *["5"] * 20, at=at)  # runs dry on the way
    records = [tell_call(chance, f"r{n}", CALLER, at) for n in range(RECORDS)]
    order = {
        "shares": shares_of(chance, records),
        "source": source.slug,
        "at": at.isoformat(),
    }
    before = deadlocks()

    told = feed(order, tmp_path)

    assert told == {
        "outcomes": {"stored": RECORDS, "duplicate": RECORDS},
        "errors": [],
    }
    assert deadlocks() == before
    for model in (RawRecord, CallRecord, Charge):
        assert model._default_manager.count() == RECORDS
    sums = Charge.objects.aggregate(
        rated=Sum("rated_amount"), pool=Sum("pool_amount"), debt=Sum("debt_amount")
    )
    entries = LedgerEntry.objects.filter(kind__in=("spend", "debt"))
    spent = -entries.filter(kind="spend").aggregate(sum=Sum("amount"))["sum"]
    owed = -entries.filter(kind="debt").aggregate(sum=Sum("amount"))["sum"]
    assert spent + owed == sums["rated"] - sums["pool"]
    assert owed == sums["debt"] == Wallet.objects.get(pk=organisation.pk).debt > 0
    keys = list(entries.values_list("kind", "reference", "lot"))
    assert len(keys) == len(set(keys))
    assert prove_credits(at=at).breaches == []
    assert prove_calls(at=at).breaches == []


SECONDS = 20
HOURS_A_SECOND = 5.0
# What shows that everybody did something, and met the others while they did.
EXPECTED = (
    "caller: settled",
    "caller: settled late",
    "caller: released",
    "records: batch, corrected",
    "sweeps: sweep",
    "till: recharge",
    "till: refund",
    "desk: transfer",
    "desk: sent back",
    "desk: lowered",
)


def test_calls_expiry_recharges_and_refunds_all_at_once(tmp_path: Path) -> None:
    """Authorise ∥ settle ∥ expire ∥ recharge ∥ refund (museum B49, B53, B54)."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # so that a failure can be played again
    begins = timezone.now() - timedelta(days=10)
    crowd = make_crowd(3, begins)
    order = {
        "seed": seed,
        "seconds": SECONDS,
        "begins": begins.isoformat(),
        "hours_a_second": HOURS_A_SECOND,
    }
    before = deadlocks()

    told = run("everybody", order, tmp_path)

    print(told["done"])  # noqa: T201
    assert told["errors"] == []
    assert deadlocks() == before
    assert [name for name in EXPECTED if not told["done"].get(name)] == []
    assert any(name.startswith("caller: deny") for name in told["done"])
    at = datetime.fromisoformat(told["ended_at"])
    assert_proven(at)
    holds = Hold.objects.order_by().values_list("state").annotate(count=Count("pk"))
    assert dict(holds).keys() >= {"settled", "released", "lapsed"}

    # Whatever was left open ends by its deadline; whatever had expired is posted.
    for hours in (2, 100):
        later = at + timedelta(hours=hours)
        lapse_stale_holds(later)
        expire_due_lots(later)
        assert_proven(later)
    for wallet in Wallet.objects.filter(organisation__in=crowd):
        assert (wallet.reserved, wallet.live_calls, wallet.lapsed) == (0, 0, 0)
    assert not MinutePool.objects.exclude(reserved_seconds=0).exists()
    assert not LineMonth.objects.exclude(reserved=0).exists()


def assert_proven(at: datetime) -> None:
    for prove in (prove_credits, prove_calls, prove_billing):
        assert prove(at=at).breaches == []
