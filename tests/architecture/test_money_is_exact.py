"""No float comes near money, and rounding happens where rule 10.3 says (rule 3.1)."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import (
    PRODUCT,
    name_of,
    parse,
    python_files,
    where,
)

NEAR_MONEY = (
    "credits/",
    "calling/rate.py",
    "calling/allocate.py",
    "calling/settle.py",
    "calling/quote.py",
    "billing/",
)
# Points on paper, where amounts are words already.
LENGTHS = ("billing/documents/layout.py", "billing/documents/typeset.py")
# function → the files that may call it: each rounding happens at one moment.
ROUNDINGS = {
    "round_half_up": {
        "calling/rate.py",
        "billing/reversing/reverse.py",
        "billing/invoicing/draft.py",
        "billing/tax_rates.py",
    },
    "round_down_to_step": {"billing/reversing/reverse.py"},
}
DEFINED_IN = "credits/money.py"


def floats(tree: ast.Module) -> Iterator[ast.AST]:
    """Float literals, `float`, true division and the built-in round.

    The `isinstance(…, float)` that refuses a float is not one.
    """
    refused = {
        id(word)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"
        for word in ast.walk(node)
    }
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        word = isinstance(node, ast.Name) and node.id in {"float", "round"}
        division = (
            isinstance(node, ast.BinOp | ast.AugAssign)
            and isinstance(node.op, ast.Div)
            and not _joins_paths(node)
        )
        if (literal or word or division) and id(node) not in refused:
            yield node


def _joins_paths(node: ast.BinOp | ast.AugAssign) -> bool:
    right = node.right if isinstance(node, ast.BinOp) else node.value
    text = isinstance(right, ast.JoinedStr)
    return text or (isinstance(right, ast.Constant) and isinstance(right.value, str))


def calls_of(tree: ast.Module, names: set[str]) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in names:
                yield node, called


def test_no_float_near_money() -> None:
    found = [
        where(path, node)
        for path in python_files(*PRODUCT)
        if name_of(path).startswith(NEAR_MONEY) and name_of(path) not in LENGTHS
        for node in floats(parse(path))
    ]
    assert found == []


def test_rounding_happens_in_its_places_only() -> None:
    found = [
        f"{where(path, node)} {called}"
        for path in python_files(*PRODUCT)
        if name_of(path) != DEFINED_IN
        for node, called in calls_of(parse(path), set(ROUNDINGS))
        if name_of(path) not in ROUNDINGS[called]
    ]
    assert found == []


def test_a_float_is_found() -> None:
    for snippet in ("fee = 0.1", "fee = float(x)", "fee = a / b", "a /= 2", "round(x)"):
        assert len(list(floats(ast.parse(snippet)))) == 1, snippet
    for snippet in ("fee = a // b", "folder / 'sql'", "isinstance(x, float)"):
        assert list(floats(ast.parse(snippet))) == [], snippet


def test_a_call_that_rounds_is_found() -> None:
    tree = ast.parse("money.round_half_up(a, b)")
    assert [called for _, called in calls_of(tree, set(ROUNDINGS))] == ["round_half_up"]
