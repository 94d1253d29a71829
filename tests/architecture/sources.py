"""What the house rules look at: the project's own files, read and parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "credits", "calling", "billing")
PRODUCT = ("config", *APPS)
TESTS = ("tests", "benchmarks")
EVERYTHING = (*PRODUCT, "sandbox", *TESTS)
GENERATED = {"migrations", "djstripe_migrations"}
NOT_TEXT = {".png", ".ico", ".mo", ".lock"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return tuple(path for path in ROOT.rglob("*") if _is_source(path))
    names = sorted(set(listing.stdout.splitlines()))
    return tuple(path for name in names if (path := ROOT / name).is_file())


def _is_source(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    return path.is_file() and not hidden and "__pycache__" not in path.parts


def python_files(*packages: str, migrations: bool = False) -> Iterator[Path]:
    for path in project_files():
        parts = path.relative_to(ROOT).parts
        if path.suffix != ".py" or (packages and parts[0] not in packages):
            continue
        if migrations or not GENERATED & set(parts):
            yield path


def text_files() -> Iterator[Path]:
    """Files a person reads and writes; not pictures, locks or vendored scripts."""
    for path in project_files():
        if (
            path.suffix not in {".png", ".mo", ".lock", ".ico"}
            and ".min." not in path.name
        ):
            yield path


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_absolute() else path)


def where(path: Path, node: ast.AST) -> str:
    return f"{name_of(path)}:{getattr(node, 'lineno', 1)}"


def dotted(node: ast.AST) -> str:
    """`timezone.now` of the expression that says so; '' of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else node.attr
    return ""
