"""`expand[]` replaces ids by their objects, up to four levels deep.

Which field leads to which kind is one table; a path that leaves the table is refused,
even where the value happens to be null. Some fields exist only when asked for.
"""

from copy import deepcopy

from sandbox.stripe.errors import Json, Refusal
from sandbox.stripe.lists import as_list
from sandbox.stripe.work import Work

DEEPEST = 4
ANY = "any"
LIST = "list of "

LEADS_TO: dict[str, dict[str, str]] = {
    "balance_transaction": {"source": "charge"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "refunds": LIST + ANY,
    },
    "checkout.session": {
        "customer": "customer",
        "invoice": ANY,
        "line_items": LIST + "item",
        "payment_intent": "payment_intent",
        "setup_intent": ANY,
        "subscription": ANY,
        "total_details": "total_details",
    },
    "customer": {
        "default_source": ANY,
        "invoice_settings": "invoice_settings",
        "sources": LIST + ANY,
        "subscriptions": LIST + ANY,
    },
    "invoice_settings": {"default_payment_method": "payment_method"},
    "item": {"discounts": ANY, "taxes": ANY},
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "payment_method": {"customer": "customer"},
    "total_details": {"breakdown": ANY},
}
# A list here is told where it stands; `_name` is the sandbox's own field.
ON_DEMAND: dict[tuple[str, str], object] = {
    ("charge", "refunds"): "/v1/charges/{id}/refunds",
    ("checkout.session", "line_items"): "/v1/checkout/sessions/{id}/line_items",
    ("customer", "sources"): "/v1/customers/{id}/sources",
    ("customer", "subscriptions"): "/v1/customers/{id}/subscriptions",
    ("item", "discounts"): [],
    ("item", "taxes"): [],
    ("total_details", "breakdown"): {"discounts": [], "taxes": []},
}


def expand(work: Work, body: Json, paths: list[str]) -> None:
    kind = str(body["object"])
    if kind == "list":
        kind = LIST + (body["data"][0]["object"] if body["data"] else ANY)
    for path in paths:
        steps = path.split(".")
        if len(steps) - steps.count("data") > DEEPEST:
            raise Refusal(
                f"You cannot expand more than 4 levels of a property. Property: {path}",
                param="expand",
            )
        _follow(work, body, kind, steps, path)


def _follow(work: Work, body: Json, kind: str, steps: list[str], path: str) -> None:
    if not steps or kind == ANY:
        return
    step, rest = steps[0], steps[1:]
    if kind.startswith(LIST) and step == "data":
        for item in body.get("data") or [{}]:
            _follow(work, item, kind.removeprefix(LIST), rest, path)
        return
    target = LEADS_TO.get(kind, {}).get(step)
    if target is None:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    if body and step not in body:
        body[step] = _made_on_demand(body, kind, step)
    elif isinstance(body.get(step), str) and target != ANY:
        body[step] = work.look_up(target, body[step])
    _follow(work, body.get(step) or {}, target, rest, path)


def _made_on_demand(body: Json, kind: str, step: str) -> object:
    made = deepcopy(ON_DEMAND[kind, step])
    if isinstance(made, str):
        return as_list(body.get(f"_{step}", []), made.format(id=body["id"]))
    return made
