"""What an API refusal looks like: RFC 9457, with a stable code (problem+json)."""

from ninja import Schema


class FieldProblem(Schema):
    """What is wrong with one field of the request."""

    pointer: str
    detail: str
    code: str = ""


class Problem(Schema):
    """`code` and `type` are stable; `detail` follows Accept-Language."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldProblem] = []
