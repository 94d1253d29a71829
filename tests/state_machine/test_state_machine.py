"""R1: any life of a wallet, step by step, against a page of plain arithmetic.

Its long form: `TOLLGATE_EXAMPLES=20000 .venv/bin/python -m pytest tests/state_machine`.
"""

import os

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine import WalletMachine
from tests.state_machine.memory_stripe import MemoryStripe

STEPS = 30
PARTS = 6  # spread over the workers


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_any_life_of_a_wallet_adds_up(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Machine(WalletMachine):
        def __init__(self) -> None:
            self.stripe = MemoryStripe()
            self.stripe.stand_in(monkeypatch)
            super().__init__()

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples() // PARTS,
            stateful_step_count=STEPS,
            deadline=None,
            # Every example is many statements: shrinking one would take minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def examples() -> int:
    asked = os.environ.get("TOLLGATE_EXAMPLES")
    on_postgresql = connection.vendor == "postgresql"
    return int(asked) if asked else 60 if on_postgresql else 300
