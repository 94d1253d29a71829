"""The API of the wallet: lots and ledger, page by page (rules 3.2 and 3.3)."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Organisation, Scope
from credits.models import LotKind
from tests import makers
from tests.api_client import assert_problem, get, key_of, pages_of

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def secret(formosa: Organisation) -> str:
    return key_of(formosa, Scope.BALANCE_READ)


def test_lots_tell_their_state_and_can_be_asked_for_by_it(
    formosa: Organisation, secret: str
) -> None:
    day = timedelta(days=1)
    makers.make_lot(formosa, "20", at=NOW - 2 * day, expires_at=NOW - day)
    kept = makers.make_lot(formosa, "50", kind=LotKind.PURCHASE, at=NOW - day)
    body = get("/lots", secret).json()
    assert [lot["state"] for lot in body["data"]] == ["spendable", "expired"]
    assert body["next_cursor"] is None
    assert body["data"][0] == {
        "id": f"lot_{kept.pk}",
        "kind": "purchase",
        "state": "spendable",
        "original": {"amount": "50.000000", "currency": "USD"},
        "remaining": {"amount": "50.000000", "currency": "USD"},
        "issued_at": kept.issued_at.isoformat().replace("+00:00", "Z"),
        "expires_at": kept.expires_at.isoformat().replace("+00:00", "Z"),
    }
    for state, count in {"spendable": 1, "expired": 1, "used_up": 0}.items():
        found = get(f"/lots?state={state}", secret).json()["data"]
        assert [lot["state"] for lot in found] == [state] * count
    assert_problem(get("/lots?state=lost", secret), 422, "not_valid")


def test_ledger_is_read_to_its_end_by_cursors(
    formosa: Organisation, contoso: Organisation, secret: str
) -> None:
    for number in range(5):
        makers.make_lot(formosa, str(number + 1), at=NOW)
    pages = pages_of("/ledger", secret, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    entries = [entry for page in pages for entry in page]
    assert [entry["number"] for entry in entries] == [5, 4, 3, 2, 1]
    assert entries[0]["kind"] == "promotional"
    assert entries[0]["amount"] == {"amount": "5.000000", "currency": "USD"}
    assert entries[0]["balance_after"]["amount"] == "15.000000"
    assert entries[0]["lot"].startswith("lot_")
    assert get("/ledger?kind=spend", secret).json()["data"] == []
    other = key_of(contoso, Scope.BALANCE_READ)
    assert get("/ledger", other).json()["data"] == []


def test_rows_that_arrive_meanwhile_shift_no_page(
    formosa: Organisation, secret: str
) -> None:
    for number in range(3):
        makers.make_lot(formosa, "1", at=NOW - timedelta(hours=3 - number))
    first = get("/lots?limit=2", secret).json()
    makers.make_lot(formosa, "1", at=NOW)
    rest = get(f"/lots?limit=2&cursor={first['next_cursor']}", secret).json()
    ids = [lot["id"] for lot in first["data"] + rest["data"]]
    assert len(ids) == len(set(ids)) == 3


def test_lots_of_one_moment_are_told_apart(formosa: Organisation, secret: str) -> None:
    for _number in range(5):
        makers.make_lot(formosa, "1", at=NOW)
    ids = [lot["id"] for page in pages_of("/lots", secret, limit=2) for lot in page]
    assert len(ids) == len(set(ids)) == 5


def cursor_of(*places: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(places).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%20",
        "é",
        cursor_of(),
        cursor_of(1),
        cursor_of("2026-01-01T00:00:00", 1),
        cursor_of("0001-01-01T00:00:00+23:59", 1),
        cursor_of("2026-01-01T00:00:00Z", "1"),
        cursor_of("2026-01-01T00:00:00Z", 2**63),
        cursor_of("2026-01-01T00:00:00Z", True),
        cursor_of(None, None),
        base64.urlsafe_b64encode(b"5").decode(),
        base64.urlsafe_b64encode(b"[" * 100).decode(),
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(secret: str, cursor: str) -> None:
    assert_problem(get(f"/lots?cursor={cursor}", secret), 422, "cursor_not_valid")


@pytest.mark.parametrize("limit", ["0", "501", "-1", "many"])
def test_a_page_has_one_to_500_rows(secret: str, limit: str) -> None:
    problem = assert_problem(get(f"/lots?limit={limit}", secret), 422, "not_valid")
    assert [error["pointer"] for error in problem["errors"]] == ["/limit"]
