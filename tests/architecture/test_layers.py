"""Imports go down only, and only billing and the sandbox speak Stripe."""

import ast
from collections.abc import Iterator
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.sources import (
    PRODUCT,
    ROOT,
    name_of,
    parse,
    python_files,
    where,
)

STRIPE = {"stripe", "djstripe"}
# The settings set the client's retries before anything can use it.
MAY_SPEAK_STRIPE = ("billing/", "config/settings/")


def imported(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every import with the top-level package it is of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module.partition(".")[0]


def test_imports_go_down_only() -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS


def test_the_layers_would_notice_an_import_that_goes_up(tmp_path: Path) -> None:
    upside_down = tmp_path / "importlinter.ini"
    upside_down.write_text(
        "[importlinter]\nroot_packages=\n    credits\n    accounts\n"
        "[importlinter:contract:1]\nname=upside down\ntype=layers\n"
        "layers=\n    accounts\n    credits\n"
    )
    assert lint_imports(config_filename=str(upside_down), no_cache=True) != 0


def test_only_billing_speaks_stripe() -> None:
    strangers = [
        where(path, node)
        for path in python_files(*PRODUCT)
        if not name_of(path).startswith(MAY_SPEAK_STRIPE)
        for node, package in imported(parse(path))
        if package in STRIPE
    ]
    assert strangers == []


def test_nobody_imports_the_sandbox() -> None:
    guests = [
        where(path, node)
        for path in python_files(*PRODUCT)
        for node, package in imported(parse(path))
        if package in {"sandbox", "tests", "benchmarks"}
    ]
    assert guests == []


def test_an_import_of_stripe_is_found() -> None:
    tree = ast.parse("def pay():\n    from djstripe.models import Event\n")
    assert [package for _, package in imported(tree)] == ["djstripe"]
