"""The API that switches ask: may this call go on? (rule 9).

Every answer is 200, a denial as well; other codes mean that the question could not be
read or the key is not that of a source. Bodies are JSON or a form, answers JSON or, for
who asks so, `name=value` lines.
"""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router

from accounts.api_access import NAMED_IN, KeyAuth, ScopeMissing, key_for
from accounts.api_bodies import text_answer, wants_text
from accounts.models import Scope
from calling.api import KeyHasNoSource, OtherSource, RecordNotValid
from calling.authorise.answers import Answer, emergency_answer
from calling.authorise.authorise import authorise_call
from calling.authorise.bodies import (
    AuthorizeBody,
    DecisionOut,
    ExtendBody,
    ReleaseBody,
    ReleasedOut,
    SettleBody,
    SettledOut,
    contract_of,
    question_of,
    read,
)
from calling.authorise.emergency import HELP, CallsAuth
from calling.authorise.end_call import Ending, Settled, release_call, settle_call
from calling.authorise.extend import Extension, extend_call
from calling.authorise.remember import provider_facts
from calling.formats.record import BadRow
from calling.models import Source
from calling.quote import SOURCES
from credits.models import Hold
from credits.money import amount_text

router = Router(tags=["calls"], auth=CallsAuth())


@router.post(
    "/calls/authorize",
    response=DecisionOut,
    exclude_none=True,
    summary="Ask whether a call may go on",
    # A call for help is answered without a key.
    openapi_extra={**contract_of(AuthorizeBody), "security": [{}]},
)
def post_authorize(request: HttpRequest) -> Any:
    if getattr(request, "auth", None) is HELP:
        return tell(request, emergency_answer())
    source = asking_source(request)
    body = read(AuthorizeBody, request)
    if body.source is not None and body.source != source.slug:
        raise OtherSource(named=body.source, source=source.slug)
    question = question_of(body, request.headers.get(NAMED_IN, "")[:50])
    return tell(
        request,
        authorise_call(
            question,
            source,
            at=timezone.now(),
            ask_source=lambda: _asked_again(request),
        ),
    )


@router.post(
    "/calls/{authorization_id}/extend",
    response=DecisionOut,
    exclude_none=True,
    summary="Ask whether a call may go on for longer",
    openapi_extra=contract_of(ExtendBody),
)
def post_extend(request: HttpRequest, authorization_id: str) -> Any:
    source = asking_source(request)
    hold = _hold(authorization_id, source)
    body = read(ExtendBody, request)
    asked = Extension(body.sequence, body.used_s, body.requested_s)
    return tell(request, extend_call(hold.pk, source, asked, at=timezone.now()))


@router.post(
    "/calls/{authorization_id}/release",
    response=ReleasedOut,
    summary="Give back what a call had set aside",
    openapi_extra=contract_of(ReleaseBody),
)
def post_release(request: HttpRequest, authorization_id: str) -> Any:
    hold = _hold(authorization_id, asking_source(request))
    body = read(ReleaseBody, request)
    state = release_call(hold, sequence=body.sequence, at=timezone.now())
    return answer_with(request, {"status": state.value})


@router.post(
    "/calls/{authorization_id}/settle",
    response=SettledOut,
    exclude_none=True,
    summary="Charge a call that is over",
    openapi_extra=contract_of(SettleBody),
)
def post_settle(request: HttpRequest, authorization_id: str) -> Any:
    source = asking_source(request)
    hold = _hold(authorization_id, source)
    body = read(SettleBody, request)
    ending = Ending(
        source_record_id=body.source_record_id or authorization_id,
        answered_at=body.answered_at,
        ended_at=body.ended_at,
        billable_seconds=body.billable_s,
        hangup_cause=body.hangup_cause,
        sip_code=body.sip_code,
    )
    try:
        done = settle_call(
            hold, source, ending, sequence=body.sequence, at=timezone.now()
        )
    except BadRow as problem:
        raise RecordNotValid(reason=str(problem)) from None
    return answer_with(request, settled_body(done))


def settled_body(done: Settled) -> dict[str, Any]:
    charge = done.charge
    if charge is None:
        return {"status": "waiting", "reason": done.reason}
    currency = charge.currency
    paid = {
        source: (
            getattr(charge, f"{source}_seconds"),
            getattr(charge, f"{source}_amount"),
        )
        for source in SOURCES
    }
    return {
        "status": "settled",
        "cdr_id": f"cdr_{charge.call_record_id}",
        "kind": charge.kind,
        "billed_s": charge.billed_seconds,
        "revision": charge.revision,
        "paid_by": [
            {
                "source": source,
                "seconds": seconds,
                "amount": amount_text(amount),
                "currency": currency,
            }
            for source, (seconds, amount) in paid.items()
            if seconds or amount
        ],
        "released": {"amount": amount_text(done.released), "currency": currency},
    }


def _hold(authorization_id: str, source: Source) -> Hold:
    """The hold of a call that this source asked about; another's is not there."""
    number = authorization_id.removeprefix("auth_")
    if number == authorization_id or not number.isdecimal() or len(number) > 18:
        raise Http404
    hold = Hold.objects.filter(pk=int(number), source_id=source.pk).first()
    if hold is None:
        raise Http404
    return hold


def tell(request: HttpRequest, answer: Answer) -> Any:
    return answer_with(request, answer.body)


def answer_with(request: HttpRequest, body: dict[str, Any]) -> Any:
    return text_answer(body) if wants_text(request) else body


def asking_source(request: HttpRequest) -> Source:
    """The source whose key this is, from memory; only keys of the provider have one."""
    key = key_for(request, Scope.CALLS_AUTHORIZE)
    if key.organisation_id is not None:
        raise ScopeMissing(scope=Scope.CALLS_AUTHORIZE.value)
    source = provider_facts().sources.get(key.first_id)
    if source is None:
        # A source that was made since is asked for where nobody is waiting.
        source = Source.objects.filter(api_key=key.first_id).first()
    if source is None:
        raise KeyHasNoSource
    return source


def _asked_again(request: HttpRequest) -> Source:
    """The key and its source as they are now."""
    request.auth = KeyAuth("calls")(request)  # type: ignore[attr-defined]
    return asking_source(request)
