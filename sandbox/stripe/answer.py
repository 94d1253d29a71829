"""A request to `/v1` is answered: caller, route, idempotency, work, answer.

1. Refuse what is not a test key, another API version, an unknown address.
2. Replay the answer kept under the idempotency key, if there is one.
3. Else do the work in one transaction and keep the answer in the same one.
4. Let a failure that was asked for have its way, before or after the work.
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.stripe import (
    balance,
    charges,
    checkout_sessions,
    confirm,
    customers,
    disputes,
    invoices,
    payment_methods,
    refunds,
    webhook_endpoints,
)
from sandbox.stripe.errors import Json, Refusal, StripeError, refusal
from sandbox.stripe.exchange import Answer, NoAnswer, Request, as_text
from sandbox.stripe.expand import expand
from sandbox.stripe.failures import FOR_REQUESTS, Failure
from sandbox.stripe.form import parse_form
from sandbox.stripe.idempotency import KeptAnswer, Keys
from sandbox.stripe.params import read_params, read_texts
from sandbox.stripe.routes import Routes
from sandbox.stripe.work import API_VERSION, SHAPES, Sandbox, Work, public

ROUTES: Routes = {
    **customers.ROUTES,
    **payment_methods.ROUTES,
    **confirm.ROUTES,
    **charges.ROUTES,
    **refunds.ROUTES,
    **disputes.ROUTES,
    **balance.ROUTES,
    **checkout_sessions.ROUTES,
    **invoices.ROUTES,
    **webhook_endpoints.ROUTES,
}
PATTERNS = {
    name: re.compile(name.replace("{id}", "([^/ ]+)")) for name in ROUTES
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One request, read far enough to be run."""

    sandbox: Sandbox
    route: str
    ids: tuple[str, ...]
    raw: Json
    request_id: str
    key: str | None
    failure: Failure | None

    @property
    def mark(self) -> str:
        """What must be equal for a key to be used again."""
        return json.dumps([self.route, self.ids, self.raw], sort_keys=True)

    @property
    def fault(self) -> str:
        return self.failure.kind if self.failure else ""


def answer_api(sandbox: Sandbox, keys: Keys, request: Request) -> Answer:
    request_id = f"req_{sandbox.token(14)}"
    headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
    try:
        _check_caller(request.headers)
        job = _read(sandbox, request, request_id)
        answer = _answer_once(keys, job)
    except StripeError as error:
        answer = _error_answer(error, request_id)
    if key := request.headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = key
    if answer.request_id != request_id:
        headers["Idempotent-Replayed"] = "true"
        headers["Original-Request"] = answer.request_id
    return Answer(answer.status, answer.body, headers=headers)


def _check_caller(headers: Mapping[str, str]) -> None:
    key = _api_key(headers.get("Authorization", ""))
    if key.startswith(("sk_live_", "rk_live_")):
        raise refusal("live_key")
    if not key.startswith("sk_test_"):
        said = f"Invalid API Key provided: {key[:8]}***" if key else "No API key given."
        raise Refusal(said, status=401)
    ours = SHAPES["account"]["id"]
    if headers.get("Stripe-Account", ours) != ours:
        raise refusal("account_of_another")
    if headers.get("Stripe-Version", API_VERSION) != API_VERSION:
        raise Refusal(f"This sandbox speaks API version {API_VERSION} only.")


def _api_key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    return value.strip() if scheme.lower() == "bearer" else ""


def _read(sandbox: Sandbox, request: Request, request_id: str) -> Job:
    is_post = request.method == "POST"
    for route, pattern in PATTERNS.items():
        if match := pattern.fullmatch(f"{request.method} {request.path}"):
            return Job(
                sandbox,
                route,
                match.groups(),
                parse_form(request.body if is_post else request.query),
                request_id,
                request.headers.get("Idempotency-Key") if is_post else None,
                sandbox.failures.take(FOR_REQUESTS, request.path, request.method),
            )
    raise refusal("address_unknown", method=request.method, path=request.path)


def _answer_once(keys: Keys, job: Job) -> KeptAnswer:
    if job.key is None:
        _fail_before(job)
        answer = _work_and_keep(keys, job)
    else:
        with keys.using(job.key, job.mark) as kept:
            _fail_before(job)
            answer = kept or _work_and_keep(keys, job)
    if job.fault == "timeout_after_charge":
        raise NoAnswer("hang")
    if job.fault == "connection_reset_after":
        raise NoAnswer("reset")
    return answer


def _work_and_keep(keys: Keys, job: Job) -> KeptAnswer:
    store = job.sandbox.store
    try:
        with store.transaction():
            answer = _work(job)
            if job.key:
                keys.keep(job.key, job.mark, answer)
    except StripeError as error:
        answer = _error_answer(error, job.request_id)
        if error.is_kept and job.key:
            with store.transaction():
                keys.keep(job.key, job.mark, answer)
    job.sandbox.bell.set()
    return answer


def _work(job: Job) -> KeptAnswer:
    now = job.sandbox.store.now()
    work = Work(job.sandbox, now, job.request_id, job.key, job.failure)
    raw = dict(job.raw)
    try:
        wanted = raw.pop("expand", None)
        paths = read_texts(wanted, "expand") if wanted else []
        body = ROUTES[job.route](work, read_params(job.route, raw), *job.ids)
        expand(work, body, paths)
    except StripeError as error:
        if not error.keeps_work:
            raise
        return _error_answer(error, job.request_id)
    if job.fault == "http_500_after":
        return _error_answer(refusal("asked_for"), job.request_id)
    return KeptAnswer(200, as_text(public(body)), job.request_id)


def _fail_before(job: Job) -> None:
    match job.failure:
        case Failure("slow", seconds=seconds):
            time.sleep(seconds)
        case Failure("timeout_before"):
            raise NoAnswer("hang")
        case Failure("connection_reset"):
            raise NoAnswer("reset")
        case Failure("http_500"):
            raise refusal("asked_for")
        case Failure("http_429"):
            raise Refusal("Too many requests.", code="rate_limit", status=429)


def _error_answer(error: StripeError, request_id: str) -> KeptAnswer:
    return KeptAnswer(error.status, as_text(public(error.body())), request_id)
