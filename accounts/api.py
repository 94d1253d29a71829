"""The API of webhooks: endpoints, and the events they hear of (docs/webhooks.md)."""

from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, StringConstraints

from accounts.api_access import own_organisation
from accounts.api_pages import LIMIT, Cursor, Limit, read_page
from accounts.models import Scope, WebhookEndpoint, WebhookEvent
from accounts.rate_limits import count_request
from accounts.safe_address import LONGEST_URL
from accounts.webhook_endpoint import create_endpoint, delete_endpoint

router = Router(tags=["webhooks"])

PREFIX = "we_"
Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z_0-9]+(\.[a-z_0-9]+)+$")]
EventId = Annotated[str, StringConstraints(pattern=r"^evt_[0-9a-f]{32}$")]
EndpointId = Annotated[str, StringConstraints(pattern=r"^we_[0-9]{1,18}$")]


class EndpointIn(Schema):
    """No events means every type, also those that come later."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: list[EventType] = []


class EndpointOut(Schema):
    """`state` is active, paused or switched_off."""

    id: str
    url: str
    events: list[str]
    state: str
    failing_since: datetime | None
    created_at: datetime


class NewEndpointOut(EndpointOut):
    """The secret is answered once, here, and never again."""

    secret: str


class EndpointsOut(Schema):
    data: list[EndpointOut]


class EventOut(Schema):
    """What happened, as it is posted to endpoints; `id` is the same in every post."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class EventsOut(Schema):
    data: list[EventOut]
    next_cursor: str | None


@router.get(
    "/webhook-endpoints",
    response=EndpointsOut,
    summary="List webhook endpoints",
)
def list_endpoints(request: HttpRequest) -> Any:
    organisation = own_organisation(request, Scope.WEBHOOKS_MANAGE)
    kept = WebhookEndpoint.objects.kept().filter(organisation=organisation)
    return EndpointsOut(data=[EndpointOut(**_facts(one)) for one in kept])


@router.post(
    "/webhook-endpoints",
    response={201: NewEndpointOut},
    summary="Add a webhook endpoint",
)
def post_endpoint(request: HttpRequest, wanted: EndpointIn) -> Any:
    organisation = own_organisation(request, Scope.WEBHOOKS_MANAGE)
    count_request(request, "add_webhook_by_key", key=organisation.slug)
    made, secret = create_endpoint(
        organisation,
        wanted.url,
        set(wanted.events),
        actor=None,
        at=timezone.now(),
    )
    return Status(201, NewEndpointOut(**_facts(made), secret=secret))


@router.delete(
    "/webhook-endpoints/{endpoint_id}",
    response={204: None},
    summary="End a webhook endpoint",
)
def end_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> Any:
    organisation = own_organisation(request, Scope.WEBHOOKS_MANAGE)
    kept = WebhookEndpoint.objects.kept().filter(organisation=organisation)
    found = kept.filter(pk=int(endpoint_id.removeprefix(PREFIX))).first()
    if found is None:
        raise Http404
    delete_endpoint(found, actor=None, at=timezone.now())
    return Status(204, None)


@router.get(
    "/events",
    response=EventsOut,
    summary="Events that endpoints were told of, the newest first",
)
def list_events(
    request: HttpRequest,
    type: Annotated[EventType | None, Query()] = None,  # noqa: A002  # the wire's name
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Any:
    organisation = own_organisation(request, Scope.WEBHOOKS_MANAGE)
    events = WebhookEvent.objects.filter(organisation=organisation)
    if type is not None:
        events = events.filter(type=type)
    page, after = read_page(events, ("created_at", "id"), limit=limit, cursor=cursor)
    return EventsOut(data=[_event_out(event) for event in page], next_cursor=after)


@router.get("/events/{event_id}", response=EventOut, summary="One event")
def get_event(request: HttpRequest, event_id: EventId) -> Any:
    organisation = own_organisation(request, Scope.WEBHOOKS_MANAGE)
    events = WebhookEvent.objects.filter(organisation=organisation)
    found = events.filter(public_id=event_id).first()
    if found is None:
        raise Http404
    return _event_out(found)


def _event_out(event: WebhookEvent) -> EventOut:
    return EventOut(
        id=event.public_id,
        type=event.type,
        timestamp=event.created_at,
        data=event.data,
    )


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    stopped = "switched_off" if endpoint.disabled_at else "paused"
    return {
        "id": f"{PREFIX}{endpoint.pk}",
        "url": endpoint.url,
        "events": endpoint.events,
        "state": "active" if endpoint.is_working else stopped,
        "failing_since": endpoint.failing_since,
        "created_at": endpoint.created_at,
    }
