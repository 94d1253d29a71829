"""`expand[]` replaces ids by their objects, up to four levels deep.

Which field leads to which kind stands in `relations.json`; a path that leaves the table
is refused, even where the value happens to be null. Some fields exist only on demand.
"""

import json
from copy import deepcopy
from pathlib import Path

from sandbox.stripe.errors import Json, Refusal, refusal
from sandbox.stripe.lists import as_list
from sandbox.stripe.work import Work

DEEPEST = 4
ANY, LIST = "any", "list of "
TABLE: Json = json.loads(Path(__file__).with_name("relations.json").read_text("utf-8"))


def expand(work: Work, body: Json, paths: list[str]) -> None:
    kind = str(body["object"])
    if kind == "list":
        kind = LIST + (body["data"][0]["object"] if body["data"] else ANY)
    for path in paths:
        steps = path.split(".")
        if len(steps) - steps.count("data") > DEEPEST:
            raise refusal("expansion_too_deep", path=path)
        _follow(work, body, kind, steps, path)


def _follow(work: Work, body: Json, kind: str, steps: list[str], path: str) -> None:
    if not steps or kind == ANY:
        return
    step, rest = steps[0], steps[1:]
    if kind.startswith(LIST) and step == "data":
        for item in body.get("data") or [{}]:
            _follow(work, item, kind.removeprefix(LIST), rest, path)
        return
    target = _target(kind, step, body)
    if target is None:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    if body and step not in body:
        body[step] = _made_on_demand(work, body, kind, step)
    elif isinstance(body.get(step), str) and target != ANY:
        body[step] = work.look_up(target, body[step])
    _follow(work, body.get(step) or {}, target, rest, path)


def _target(kind: str, step: str, body: Json) -> str | None:
    """`ch:charge re:refund` leads to one or the other, by how the id begins."""
    target: str | None = TABLE["leads_to"].get(kind, {}).get(step)
    if target and ":" in target:
        kinds = dict(pair.split(":") for pair in target.split())
        return kinds.get(str(body.get(step)).partition("_")[0], ANY)
    return target


def _made_on_demand(work: Work, body: Json, kind: str, step: str) -> object:
    """A list is told where it stands; `_name` in the object holds its data, or the
    objects of the kind that name this one do."""
    made: object = deepcopy(TABLE["on_demand"][kind][step])
    if not isinstance(made, str):
        return made
    data = body.get(f"_{step}")
    if data is None:
        listed = TABLE["leads_to"][kind][step].removeprefix(LIST)
        data = work.select(listed, **{kind: body["id"]})
    return as_list(data, made.format(id=body["id"]))
