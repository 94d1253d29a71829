"""One unit of work: what a request may do to the sandbox's objects, in one transaction.

`find` refuses what is not there, `save`, `change` and `tell` write, `emit` records an
event and queues it for every endpoint that wants it. Fields that begin with an
underscore are the sandbox's own and never leave it.
"""

import json
import random
import threading
import time
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.stripe.errors import Json, missing_resource
from sandbox.stripe.failures import FOR_DELIVERIES, Failure, Failures
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.store import Store

API_VERSION = "2026-08-26.dahlia"
SHAPES: Json = json.loads(Path(__file__).with_name("shapes.json").read_text())
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HELD_BACK_SECONDS = 3.0


@dataclass
class Sandbox:
    store: Store
    public_url: str = ""
    merchant: str = "Sandbox merchant"
    chance: random.Random = field(default_factory=random.SystemRandom)
    failures: Failures = field(default_factory=Failures)
    # Rung when there may be something to deliver.
    bell: threading.Event = field(default_factory=threading.Event)

    def token(self, length: int) -> str:
        return "".join(self.chance.choices(ALPHABET, k=length))


@dataclass
class Work:
    sandbox: Sandbox
    at: int
    request_id: str | None = None
    idempotency_key: str | None = None
    failure: Failure | None = None

    @property
    def fault(self) -> str:
        return self.failure.kind if self.failure else ""

    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{self.sandbox.token(length)}"

    def blank(self, kind: str, prefix: str, length: int = 24) -> Json:
        body: Json = deepcopy(SHAPES[kind])
        body["id"] = self.new_id(prefix, length)
        body["created"] = self.at
        return body

    def look_up(self, kind: str, name: str, param: str = "id") -> Json:
        """The object, or what is left of it when it was deleted."""
        body = self.sandbox.store.get(kind, name)
        if body is None:
            raise missing_resource(kind.rpartition(".")[2], name, param)
        return body

    def find(self, kind: str, name: str, param: str = "id") -> Json:
        body = self.look_up(kind, name, param)
        if body.get("deleted"):
            raise missing_resource(kind.rpartition(".")[2], name, param)
        return body

    def select(self, kind: str, **where: object) -> list[Json]:
        return self.sandbox.store.select(kind, where)

    def save(self, body: Json) -> Json:
        self.sandbox.store.put(body)
        return body

    def change(self, body: Json, given: Json) -> Json:
        """Writes the fields and returns what they were; metadata is merged."""
        if "metadata" in given:
            merged = merge_metadata(body["metadata"], given["metadata"])
            given = given | {"metadata": merged}
        before = {key: body.get(key) for key in given if body.get(key) != given[key]}
        body.update(given)
        self.save(body)
        return before

    def tell(self, event_type: str, body: Json, **given: object) -> Json:
        """Writes the fields and tells of it, without what they were."""
        body.update(given)
        self.save(body)
        self.emit(event_type, body)
        return body

    def emit(self, event_type: str, body: Json, before: Json | None = None) -> None:
        event = self.blank("event", "evt")
        event["type"] = event_type
        event["api_version"] = API_VERSION
        event["data"] = {"object": public(body)}
        if before is not None:
            event["data"]["previous_attributes"] = public(before)
        event["request"] = {
            "id": self.request_id,
            "idempotency_key": self.idempotency_key,
        }
        event["pending_webhooks"] = self.queue(event)
        self.save(event)

    def queue(self, event: Json) -> int:
        """Queues it for every endpoint that wants it, and says for how many."""
        wanting = [
            endpoint
            for endpoint in reversed(self.select("webhook_endpoint", status="enabled"))
            if {"*", event["type"]} & set(endpoint["enabled_events"])
        ]
        for endpoint in wanting:
            self._queue_for(event, endpoint["id"])
        return len(wanting)

    def _queue_for(self, event: Json, endpoint: str) -> None:
        failure = self.sandbox.failures.take(FOR_DELIVERIES, event["type"])
        fault = failure.kind if failure else ""
        due, state = time.time(), "waiting"
        if fault == "drop":
            state = "dropped"
        elif fault == "out_of_order":
            due, state = due + HELD_BACK_SECONDS, "held"
        elif failure and fault == "delay":
            due += failure.seconds
        for _ in range(2 if fault == "duplicate" else 1):
            self.sandbox.store.rows.execute(
                "INSERT INTO delivery (endpoint, event, state, fault, due, tries)"
                " VALUES (?, ?, ?, ?, ?, '[]')",
                (endpoint, event["id"], state, fault, due),
            )


def public(value: Any) -> Any:
    """A copy without the sandbox's own fields."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not k.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value
