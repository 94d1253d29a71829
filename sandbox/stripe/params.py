"""What a route takes stands in `parameters.json`, and everything else is refused.

There a group is an object, a list holds the kind of its items, and a text names a kind:
`text` (longest), `int` (least, most), `bool`, `url`, `event`, `metadata`, `time`, or
the words allowed. `!` after a name: it must be there. `?`: an empty value unsets it.
The name `...` adds what every list takes.
"""

import json
import re
from pathlib import Path
from typing import Any

from sandbox.stripe.errors import Json, Refusal, refusal

Spec = Any  # an object, a list of one, or a text, as described above
TAKES: dict[str, Spec] = json.loads(
    Path(__file__).with_name("parameters.json").read_text(encoding="utf-8")
)
PAGING = {
    "limit": "int 1 100",
    "starting_after": "text",
    "ending_before": "text",
    "created": "time",
}
BOUNDS = dict.fromkeys(("gt", "gte", "lt", "lte"), "int")
PATTERNS = {"url": r"https?://\S+", "event": r"\*|[a-z_]+(\.[a-z_0-9]+)+"}
LONGEST_TEXT, LONGEST_LIST = 5000, 300


def read_params(route: str, raw: Json) -> Json:
    return _group(TAKES[route], raw, "")


def read_texts(raw: Any, name: str) -> list[str]:
    return _many("text", raw, name)


def merge_metadata(old: dict[str, str], given: dict[str, str] | None) -> Json:
    """Keys are added one by one; an empty value removes one, unsetting removes all."""
    if given is None:
        return {}
    return {key: value for key, value in (old | given).items() if value != ""}


def _value(spec: Spec, raw: Any, name: str) -> Any:
    if isinstance(spec, dict):
        return _group(spec, raw, name)
    if isinstance(spec, list):
        return _many(spec[0], raw, name)
    kind, *limits = spec.split()
    if kind == "metadata":
        return _metadata(raw, name)
    if kind == "time" and isinstance(raw, dict):
        return _group(BOUNDS, raw, name)
    if not isinstance(raw, str):
        raise Refusal(f"Invalid string: {name}", param=name)
    return _scalar(kind, limits, raw, name)


def _scalar(kind: str, limits: list[str], raw: str, name: str) -> Any:
    match kind:
        case "time":
            return {"is": _int([], raw, name)}
        case "int":
            return _int(limits, raw, name)
        case "bool":
            return _choice("true|false", raw, name) == "true"
        case "text" | "url" | "event":
            return _text(kind, limits, raw, name)
    return _choice(kind, raw, name)


def _group(spec: Spec, raw: Any, name: str) -> Json:
    if not isinstance(raw, dict):
        raise Refusal("Invalid object", param=name)
    kinds = {key.rstrip("!?"): kind for key, kind in spec.items() if key != "..."}
    kinds |= PAGING if "..." in spec else {}
    for key in raw:
        if key not in kinds:
            raise refusal("parameter_unknown", _inside(name, key))
    for key in spec:
        if key.endswith("!") and key[:-1] not in raw:
            raise refusal("parameter_missing", _inside(name, key[:-1]))
    can_be_unset = {key[:-1] for key in spec if key.endswith("?")}
    read: Json = {}
    for key, value in raw.items():
        inner = _inside(name, key)
        if value != "":
            read[key] = _value(kinds[key], value, inner)
        elif key in can_be_unset:
            read[key] = None
        else:
            raise refusal("parameter_empty", inner)
    return read


def _many(item: Spec, raw: Any, name: str) -> list[Any]:
    if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
        raise Refusal("Invalid array", param=name)
    if len(raw) > LONGEST_LIST:
        raise refusal("array_too_long", name)
    numbered = sorted(raw.items(), key=lambda pair: int(pair[0]))
    return [_value(item, value, _inside(name, key)) for key, value in numbered]


def _int(limits: list[str], raw: str, name: str) -> int:
    least, most = [int(limit) for limit in limits + ["0", str(2**53)][len(limits) :]]
    if not re.fullmatch(r"-?\d{1,16}", raw) or not least <= int(raw) <= most:
        raise refusal("integer_invalid", name, raw=raw[:40], least=least, most=most)
    return int(raw)


def _text(kind: str, limits: list[str], raw: str, name: str) -> str:
    longest = int(limits[0]) if limits else LONGEST_TEXT
    if len(raw) > longest:
        raise refusal("string_too_long", name, raw=raw[:20], longest=longest)
    if kind in PATTERNS and not re.fullmatch(PATTERNS[kind], raw):
        raise Refusal(f"Invalid {kind}: {raw}", param=name)
    return raw


def _choice(choices: str, raw: str, name: str) -> str:
    if raw not in choices.split("|"):
        raise refusal("choice_unknown", name, choices=choices.replace("|", ", "))
    return raw


def _metadata(raw: Any, name: str) -> dict[str, str]:
    if not isinstance(raw, dict) or len(raw) > 50:
        raise Refusal(f"{name} is an object of at most 50 keys.", param=name)
    for key, value in raw.items():
        if not isinstance(value, str) or len(value) > 500 or len(key) > 40:
            raise refusal("metadata_too_long", _inside(name, key))
    return raw


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key
