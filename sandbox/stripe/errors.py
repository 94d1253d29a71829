"""Everything the sandbox refuses, in Stripe's error shape.

A `Refusal` comes before anything was done: it is never kept under an idempotency key.
A `Conflict` comes after looking at the object and is kept. A `CardRefusal` is kept too,
and what was done before it (the failed charge, the intent put back) stays. What is
said more than in passing stands in `refusals.json`.
"""

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]  # a Stripe object is open JSON; its fields are checked by tests


class StripeError(Exception):
    """Stripe answers with an error."""

    is_kept = False
    keeps_work = False
    status = 400
    kind = "invalid_request_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int | None = None,
        kind: str | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param
        self.extra = extra or {}
        self.status = status or self.status
        self.kind = kind or self.kind

    def fields(self) -> Json:
        body: Json = {"message": self.message, "type": self.kind}
        if self.code:
            body["code"] = self.code
            body["doc_url"] = (
                f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}"
            )
        if self.param:
            body["param"] = self.param
        return body | self.extra

    def body(self) -> Json:
        return {"error": self.fields()}


class Refusal(StripeError):
    """The request is not one that can be run."""


class Conflict(StripeError):
    """The request was understood, but the object's state forbids it."""

    is_kept = True


class CardRefusal(StripeError):
    """The card said no."""

    is_kept = True
    keeps_work = True
    status = 402
    kind = "card_error"


TABLE: Json = json.loads(Path(__file__).with_name("refusals.json").read_text("utf-8"))


def refusal(
    name: str, param: str | None = None, extra: Json | None = None, **values: object
) -> StripeError:
    """The refusal of that name, its sentence filled with the values. To be raised."""
    facts = TABLE[name]
    code = facts.get("code")
    return (Conflict if "is_kept" in facts else Refusal)(
        facts["message"].format(param=param, **values),
        code=code and code.format(**values),
        param=param or facts.get("param"),
        status=facts.get("status"),
        kind=facts.get("kind"),
        extra=extra,
    )


def missing_resource(noun: str, name: str, param: str) -> StripeError:
    return refusal("resource_missing", param, noun=noun, id=name)
