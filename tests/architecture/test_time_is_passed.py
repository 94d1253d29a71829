"""Nothing in the domain asks the clock; who starts a verb says when (rule 12)."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import APPS, dotted, name_of, parse, python_files, where

CLOCKS = {
    "timezone.now",
    "timezone.localtime",
    "timezone.localdate",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
}
# Those who start things: a request, a job, a command, a person of the staff.
STARTERS = {
    "access",
    "views",
    "view",
    "jobs",
    "named_job",  # the wrapper of every job
    "commands",
    "admin",
    "api",
    "api_access",  # the key that comes with a request
    "door",  # a middleware of one request
    "middleware",
    "webhooks",
    "forms",
    "adapters",
    "templatetags",
}


def may_ask_the_clock(name: str) -> bool:
    parts = name.removesuffix(".py").split("/")
    return any(part in STARTERS or part.startswith("admin") for part in parts)


def clock_calls(tree: ast.Module) -> Iterator[ast.AST]:
    """Calls of a clock; handing `timezone.now` to a model's default is none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if any(name == clock or name.endswith("." + clock) for clock in CLOCKS):
                yield node


def test_the_domain_never_asks_the_clock() -> None:
    found = [
        where(path, node)
        for path in python_files(*APPS)
        if not may_ask_the_clock(name_of(path))
        for node in clock_calls(parse(path))
    ]
    assert found == []


def test_a_clock_is_found() -> None:
    asks = "x = timezone.now()\ny = datetime.datetime.now(UTC)\nz = time.time()"
    assert len(list(clock_calls(ast.parse(asks)))) == 3
    told = "joined = models.DateTimeField(default=timezone.now)\nat.now"
    assert list(clock_calls(ast.parse(told))) == []
    assert not may_ask_the_clock("credits/spend.py")
    assert may_ask_the_clock("billing/views/overview.py")
