"""Form bodies with brackets become nested dictionaries, as Stripe reads them.

`a[b]=1` nests, `a[]=1` and `a[0]=1` number. Numbered levels stay dictionaries here,
since only the parameter's own description knows a list from metadata named "0".
"""

from urllib.parse import parse_qsl

from sandbox.stripe.errors import Json, Refusal

MOST_FIELDS = 1000
DEEPEST = 8


def parse_form(text: str) -> Json:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refusal("Invalid request: too many parameters.") from error
    tree: Json = {}
    for name, value in pairs:
        _place(tree, _path_of(name), value, name)
    return tree


def _path_of(name: str) -> list[str]:
    head, *brackets = name.split("[")
    if not head or len(brackets) > DEEPEST:
        raise Refusal(f"Invalid parameter name: {name}", param=name)
    if any(not part.endswith("]") for part in brackets):
        raise Refusal(f"Invalid parameter name: {name}", param=name)
    return [head, *(part[:-1] for part in brackets)]


def _place(tree: Json, path: list[str], value: str, name: str) -> None:
    head, *rest = path
    if not head:
        head = _next_number(tree, rest)
    if not rest:
        if isinstance(tree.get(head), dict):
            raise Refusal(f"Invalid object: {name} is given twice.", param=name)
        tree[head] = value
        return
    child = tree.setdefault(head, {})
    if not isinstance(child, dict):
        raise Refusal(f"Invalid object: {name} is given twice.", param=name)
    _place(child, rest, value, name)


def _next_number(tree: Json, rest: list[str]) -> str:
    """`a[][b]` continues the last item until it has a `b`; then a new one starts."""
    last = tree.get(str(len(tree) - 1))
    if rest and isinstance(last, dict) and rest[0] not in last:
        return str(len(tree) - 1)
    return str(len(tree))
