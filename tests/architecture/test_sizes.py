"""Functions fit a screen and files stay one subject: STYLE's limits, counted."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import EVERYTHING, TESTS, name_of, parse, python_files

FUNCTION_LINES = 50
FILE_LINES = 400
TEST_FILE_LINES = 600


def long_functions(tree: ast.Module, limit: int = FUNCTION_LINES) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > limit:
                yield f"{node.lineno} {node.name}: {lines} lines"


def is_too_long(path: Path, text: str) -> bool:
    limit = TEST_FILE_LINES if name_of(path).startswith(TESTS) else FILE_LINES
    return text.count("\n") > limit


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in python_files(*EVERYTHING)
        for line in long_functions(parse(path))
    ]
    assert found == []


def test_no_file_outgrows_its_subject() -> None:
    files = python_files(*EVERYTHING)
    assert [
        name_of(path) for path in files if is_too_long(path, path.read_text("utf-8"))
    ] == []


def test_a_long_function_and_a_long_file_are_found() -> None:
    body = "\n".join("    a = 1" for _ in range(FUNCTION_LINES))
    assert list(long_functions(ast.parse(f"def verb():\n{body}\n"))) == [
        "1 verb: 51 lines"
    ]
    assert is_too_long(Path("credits/x.py"), "\n" * (FILE_LINES + 1))
    assert not is_too_long(Path("tests/x.py"), "\n" * (FILE_LINES + 1))
