"""Every line of the timetable names a job that exists and a time that comes."""

import ast
import inspect
from datetime import UTC, datetime

from croniter import croniter
from django.utils.module_loading import import_string

from config.schedule import SCHEDULE, Timed
from tests.architecture.sources import APPS, dotted, name_of, parse, python_files

LOCKED = {"named_job", "job_with_cursor"}


def wrong(line: Timed) -> str:
    """What is wrong with a line; '' if nothing is."""
    if not croniter.is_valid(line.cron):
        return "no such time"
    if line.function.split(".")[1] != "jobs":
        return "not a job"
    try:
        job = import_string(line.function)
    except ImportError:
        return "no such job"
    needed = [
        name
        for name, parameter in inspect.signature(job).parameters.items()
        if parameter.default is inspect.Parameter.empty
    ]
    return f"needs {needed}" if needed else ""


def test_every_line_can_run() -> None:
    assert {line.name: found for line in SCHEDULE if (found := wrong(line))} == {}


def test_every_line_has_a_name_of_its_own_and_comes_within_a_day() -> None:
    assert len({line.name for line in SCHEDULE}) == len(SCHEDULE)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for line in SCHEDULE:
        first = croniter(line.cron, start).get_next(datetime)
        assert (first - start).total_seconds() <= 86_400, line.name


def test_a_line_that_cannot_run_is_found() -> None:
    assert (
        wrong(Timed("x", "credits.jobs.no_such_job", "* * * * *", "")) == "no such job"
    )
    assert wrong(Timed("x", "credits.spend.spend", "* * * * *", "")) == "not a job"
    assert wrong(Timed("x", "credits.jobs.expire_lots", "* * *", "")) == "no such time"


def unlocked(tree: ast.Module) -> list[str]:
    """Public functions of a jobs module that take no named lock."""
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        if not node.name.startswith("_")
        if not LOCKED & set(map(dotted, node.decorator_list))
    ]


def test_b59_every_job_takes_a_named_lock() -> None:
    found = {
        name_of(path): names
        for path in python_files(*APPS, "config")
        if "jobs" in name_of(path).removesuffix(".py").split("/")
        if "models" not in name_of(path).split("/")
        if (names := unlocked(parse(path)))
    }
    assert found == {}


def test_a_job_without_a_lock_is_found() -> None:
    tree = ast.parse("@named_job\ndef a(): ...\ndef b(): ...\ndef _c(): ...")
    assert unlocked(tree) == ["b"]
