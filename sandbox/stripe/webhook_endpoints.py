"""Webhook endpoints and the events they are told of."""

from sandbox.stripe.errors import Json, Refusal
from sandbox.stripe.lists import page_of
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routes import Routes, getting, listing
from sandbox.stripe.work import Work

KIND, URL = "webhook_endpoint", "/v1/webhook_endpoints"


def create_webhook_endpoint(work: Work, params: Json) -> Json:
    params.pop("connect", None)
    endpoint = work.blank("webhook_endpoint", "we")
    endpoint["_secret"] = f"whsec_{work.sandbox.token(32)}"
    work.change(endpoint, _changes(endpoint, params))
    # The secret is told once, here.
    return endpoint | {"secret": endpoint["_secret"]}


def update_webhook_endpoint(work: Work, params: Json, name: str) -> Json:
    endpoint = work.find("webhook_endpoint", name)
    if "disabled" in params:
        status = "disabled" if params.pop("disabled") else "enabled"
        params["status"] = status
    work.change(endpoint, _changes(endpoint, params))
    return endpoint


def _changes(endpoint: Json, params: Json) -> Json:
    if "metadata" in params:
        params["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    if not params.get("enabled_events", True):
        raise Refusal("At least one event is required.", param="enabled_events")
    return params


def delete_webhook_endpoint(work: Work, _params: Json, name: str) -> Json:
    work.find("webhook_endpoint", name)
    rows = work.sandbox.store.rows
    rows.execute("DELETE FROM delivery WHERE endpoint = ?", (name,))
    rows.execute("DELETE FROM object WHERE id = ?", (name,))
    return {"id": name, "object": "webhook_endpoint", "deleted": True}


def list_events(work: Work, params: Json) -> Json:
    found = work.select("event")
    wanted = [*params.get("types", []), *filter(None, [params.get("type")])]
    if wanted:
        found = [event for event in found if event["type"] in wanted]
    return page_of(found, params, "/v1/events")


ROUTES: Routes = {
    f"POST {URL}": create_webhook_endpoint,
    f"GET {URL}": listing(KIND, URL),
    f"GET {URL}/{{id}}": getting(KIND),
    f"POST {URL}/{{id}}": update_webhook_endpoint,
    f"DELETE {URL}/{{id}}": delete_webhook_endpoint,
    "GET /v1/events": list_events,
    "GET /v1/events/{id}": getting("event"),
}
