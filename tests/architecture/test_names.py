"""Files are named for what they do, and packages have nothing to hide."""

import ast
from pathlib import Path

from tests.architecture.sources import EVERYTHING, name_of, parse, python_files

SAYS_NOTHING = {"utils", "helpers", "services", "common", "core", "managers", "misc"}
WITHOUT_DOCSTRING = {"__init__", "apps", "urls"}  # Django's own, always the same


def says_nothing(path: Path) -> bool:
    return bool(SAYS_NOTHING & {path.stem, *path.parts})


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    files = python_files(migrations=True)
    assert [name_of(path) for path in files if says_nothing(Path(name_of(path)))] == []


def test_a_name_that_says_nothing_is_found() -> None:
    assert says_nothing(Path("credits/utils.py"))
    assert says_nothing(Path("credits/services/spend.py"))
    assert not says_nothing(Path("credits/spend.py"))


def test_packages_are_empty_but_for_models() -> None:
    """A models package is where Django looks, so its __init__ names what is inside."""
    full = [
        name_of(path)
        for path in python_files(migrations=True)
        if path.name == "__init__.py" and path.parent.name != "models"
        if path.read_text("utf-8").strip()
    ]
    assert full == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name_of(path)
        for path in python_files(*EVERYTHING)
        if path.stem not in WITHOUT_DOCSTRING and not ast.get_docstring(parse(path))
    ]
    assert silent == []
