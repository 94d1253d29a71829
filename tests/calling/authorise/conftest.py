"""Every test asks a process that remembers nothing yet."""

from collections.abc import Iterator

import pytest

from accounts.keys import forget_keys
from calling.authorise.remember import forget_everything


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Rows that were rolled back leave their ids and counts to the next test's."""
    forget_everything()
    forget_keys()
    yield
    forget_everything()
    forget_keys()
