"""The lock files are in step with pyproject.toml, hashed, and name no address."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT

LOCK, LOCK_OF_PRODUCTION = "requirements.lock", "requirements-prod.lock"
PIN = re.compile(r"^(?P<name>[\w.-]+)(\[[\w,-]+\])?==(?P<version>[^\s;]+)", re.M)


def pins(text: str) -> dict[str, str]:
    return {
        canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(text)
    }


def unmet(wanted: list[str], locked: dict[str, str]) -> list[str]:
    """The requirements that a lock does not meet."""
    found = []
    for line in wanted:
        requirement = Requirement(line)
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            found.append(f"{line}: the lock has {version}")
    return found


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    wanted = project["project"]["dependencies"]
    assert unmet(wanted, pins(read(LOCK_OF_PRODUCTION))) == []
    assert (
        unmet([*wanted, *project["dependency-groups"]["dev"]], pins(read(LOCK))) == []
    )


def test_production_runs_what_was_tested() -> None:
    tested = pins(read(LOCK))
    assert [
        f"{name} {version}"
        for name, version in pins(read(LOCK_OF_PRODUCTION)).items()
        if tested.get(name) != version
    ] == []


def test_every_pin_has_a_hash_and_no_lock_names_an_address() -> None:
    for name in (LOCK, LOCK_OF_PRODUCTION):
        text = read(name)
        assert "://" not in text
        assert "--index" not in text
        blocks = re.split(r"\n(?=\w)", text.strip())
        assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_a_lock_that_lags_is_found() -> None:
    assert unmet(["django~=5.2.19", "ruff==1.0"], {"django": "5.1.0"}) == [
        "django~=5.2.19: the lock has 5.1.0",
        "ruff==1.0: the lock has None",
    ]
