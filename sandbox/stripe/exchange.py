"""What comes over HTTP and what goes back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.stripe.errors import Json


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class NoAnswer(Exception):
    """The connection is to hang or to be reset; `how` says which."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


def as_text(body: Json) -> str:
    return json.dumps(body, indent=2) + "\n"
