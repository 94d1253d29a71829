"""Lists are pages, newest first, with a cursor on either side."""

from sandbox.stripe.errors import Json, missing_resource


def page_of(found: list[Json], params: Json, url: str) -> Json:
    limit = params.get("limit", 10)
    bounds = params.get("created", {})
    kept = [body for body in found if _is_within(body.get("created", 0), bounds)]
    if name := params.get("starting_after"):
        start = _place_of(kept, name, "starting_after") + 1
        return as_list(
            kept[start : start + limit], url, has_more=len(kept) > start + limit
        )
    if name := params.get("ending_before"):
        stop = _place_of(kept, name, "ending_before")
        return as_list(kept[max(stop - limit, 0) : stop], url, has_more=stop > limit)
    return as_list(kept[:limit], url, has_more=len(kept) > limit)


def as_list(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _is_within(created: int, bounds: dict[str, int]) -> bool:
    return (
        created == bounds.get("is", created)
        and created > bounds.get("gt", created - 1)
        and created >= bounds.get("gte", created)
        and created < bounds.get("lt", created + 1)
        and created <= bounds.get("lte", created)
    )


def _place_of(found: list[Json], name: str, param: str) -> int:
    for place, body in enumerate(found):
        if body["id"] == name:
            return place
    raise missing_resource("object", name, param)
