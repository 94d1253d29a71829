"""Webhook endpoints and the events they are told of."""

from fnmatch import fnmatchcase

from sandbox.stripe.errors import Json, Refusal
from sandbox.stripe.lists import page_of
from sandbox.stripe.routes import Routes, getting, reading
from sandbox.stripe.work import Work

KIND, URL = "webhook_endpoint", "/v1/webhook_endpoints"


def create_webhook_endpoint(work: Work, params: Json) -> Json:
    params.pop("connect", None)
    endpoint = work.blank("webhook_endpoint", "we")
    endpoint["_secret"] = f"whsec_{work.sandbox.token(32)}"
    _check(params)
    work.change(endpoint, params)
    # The secret is told once, here.
    return endpoint | {"secret": endpoint["_secret"]}


def update_webhook_endpoint(work: Work, params: Json, name: str) -> Json:
    endpoint = work.find("webhook_endpoint", name)
    if "disabled" in params:
        status = "disabled" if params.pop("disabled") else "enabled"
        params["status"] = status
    _check(params)
    work.change(endpoint, params)
    return endpoint


def _check(params: Json) -> None:
    if not params.get("enabled_events", True):
        raise Refusal("At least one event is required.", param="enabled_events")


def delete_webhook_endpoint(work: Work, _params: Json, name: str) -> Json:
    work.find("webhook_endpoint", name)
    rows = work.sandbox.store.rows
    rows.execute("DELETE FROM delivery WHERE endpoint = ?", (name,))
    rows.execute("DELETE FROM object WHERE id = ?", (name,))
    return {"id": name, "object": "webhook_endpoint", "deleted": True}


def list_events(work: Work, params: Json) -> Json:
    """By `types`, or by one `type` that may end in a star, as in `charge.*`."""
    found = work.select("event")
    if {"type", "types"} <= set(params):
        raise Refusal("You may pass either `type` or `types`, not both.")
    if wanted := params.get("types"):
        found = [event for event in found if event["type"] in wanted]
    if pattern := params.get("type"):
        found = [event for event in found if fnmatchcase(event["type"], pattern)]
    return page_of(found, params, "/v1/events")


ROUTES: Routes = {
    **reading(KIND, URL),
    f"POST {URL}": create_webhook_endpoint,
    f"POST {URL}/{{id}}": update_webhook_endpoint,
    f"DELETE {URL}/{{id}}": delete_webhook_endpoint,
    "GET /v1/events": list_events,
    "GET /v1/events/{id}": getting("event"),
}
