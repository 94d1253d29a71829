"""Routes that many kinds share: one object, or a list of them.

A module offers `ROUTES`, from `METHOD /path` to a function of the work, the parameters
and the ids in the path. What a route takes stands in `parameters.json`.
"""

from collections.abc import Callable

from sandbox.stripe.errors import Json
from sandbox.stripe.lists import page_of
from sandbox.stripe.params import PAGING
from sandbox.stripe.work import Work

Routes = dict[str, Callable[..., Json]]


def reading(kind: str, url: str) -> Routes:
    """The two routes of what can be listed and looked at."""
    return {f"GET {url}": listing(kind, url), f"GET {url}/{{id}}": getting(kind)}


def updating(kind: str, event_type: str | None = None) -> Callable[..., Json]:
    """The given fields are written; a change is told where there is an event for it."""

    def update(work: Work, params: Json, name: str) -> Json:
        body = work.find(kind, name)
        before = work.change(body, params)
        if before and event_type:
            work.emit(event_type, body, before)
        return body

    return update


def getting(kind: str) -> Callable[..., Json]:
    return lambda work, _params, name: work.look_up(kind, name)


def listing(kind: str, url: str) -> Callable[..., Json]:
    """What is not paging filters by the field of that name."""

    def list_them(work: Work, params: Json) -> Json:
        where = {name: params[name] for name in params if name not in PAGING}
        return page_of(work.select(kind, **where, deleted=None), params, url)

    return list_them
