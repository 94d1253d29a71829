"""Files of call records in: exactly once, good rows kept, bad ones named."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Organisation
from calling import ingest
from calling.models import CallRecord, Charge, Line, RawRecord, RejectedRow, Source
from tests.calling.telephony import MORNING, charge_of, give_credit

pytestmark = pytest.mark.usefixtures("card", "pbx", "mei")


def document(number: int, **changes: Any) -> dict[str, Any]:
    at = MORNING + timedelta(minutes=number)
    facts = {
        "source_record_id": f"r{number}",
        "direction": "outbound",
        "from": "+886223456789",
        "to": "+81312345678",
        "answered_at": at.isoformat(),
        "ended_at": (at + timedelta(seconds=50)).isoformat(),
    }
    return {**facts, **changes}


def write(path: Path, *documents: dict[str, Any] | str) -> Path:
    path.write_text(
        "\n".join(
            text if isinstance(text, str) else json.dumps(text) for text in documents
        )
    )
    return path


def run(path: Path, *more: str) -> tuple[Any, str, int]:
    out, err, code = StringIO(), StringIO(), 0
    arguments = [str(path), "--format", "generic-json", "--source", "pbx", *more]
    try:
        call_command("import_calls", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    told = out.getvalue()
    return (
        (json.loads(told) if "--json" in more and told else told),
        err.getvalue(),
        code,
    )


def test_import_twice_is_once(tmp_path: Path, formosa: Organisation) -> None:
    give_credit(formosa, "1")
    path = write(tmp_path / "calls.jsonl", *map(document, range(5)))
    first, _, code = run(path, "--json")
    assert (first["stored"], first["duplicates"], code) == (5, 0, 0)
    state = list(Charge.objects.values())
    again, _, code = run(path, "--json")
    assert again == {
        "stored": 0,
        "duplicates": 5,
        "corrections": 0,
        "waiting": 0,
        "rejected": [],
    }
    assert code == 0
    assert list(Charge.objects.values()) == state


@pytest.mark.parametrize("batch", ["1", "2", "5000"])
def test_the_size_of_a_batch_changes_nothing(
    tmp_path: Path, formosa: Organisation, batch: str
) -> None:
    give_credit(formosa, "0.05")
    path = write(tmp_path / "calls.jsonl", *map(document, range(5)))
    run(path, "--batch", batch)
    paid = [charge_of(f"r{n}").credit_amount for n in range(5)]
    assert paid == [21_000, 21_000, 8_000, 0, 0]


def test_good_rows_are_kept_and_bad_ones_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "calls.jsonl",
        document(1),
        document(2, billable_s=-3),
        '{"source_record_id": "cut',
        document(3, ended_at="yesterday"),
        document(4, **{"from": "+886299990000"}),
        document(5, to="+81312345679"),
    )
    told, err, code = run(path, "--json")
    assert code == 2
    assert (told["stored"], told["waiting"]) == (2, 1)
    assert [(row["line"], row["reason"][:22]) for row in told["rejected"]] == [
        (2, "billable_s is negative"),
        (3, "This is not JSON: inva"),
        (4, "ended_at is not a time"),
    ]
    assert [line.split("calls.jsonl:")[1][:2] for line in err.splitlines()] == [
        "2:",
        "3:",
        "4:",
    ]
    assert RejectedRow.objects.count() == 3
    run(path)
    assert RejectedRow.objects.count() == 3


def test_a_call_longer_than_a_day_waits_for_review(tmp_path: Path) -> None:
    path = write(tmp_path / "calls.jsonl", document(1, billable_s=86_401))
    told, _, code = run(path, "--json")
    assert (told["waiting"], code) == (1, 0)
    assert RawRecord.objects.get().reason == "too_long"


def test_a_cut_off_file_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps([document(1), document(2), document(3)])[:-40])
    told, _, code = run(path, "--json")
    assert (told["stored"], len(told["rejected"]), code) == (2, 1, 2)


def test_a_field_of_ten_megabytes_is_one_bad_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "calls.jsonl",
        document(1),
        document(2, user="x" * 10_000_000),
        document(3),
    )
    told, _, code = run(path, "--json")
    assert (told["stored"], [row["line"] for row in told["rejected"]]) == (2, [2])
    assert code == 2
    assert len(RejectedRow.objects.get().body) <= 2000


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--source", "nobody"], "There is no source nobody."),
        (["--organisation", "nobody"], "There is no organisation nobody."),
        (["--time-zone", "Mars/Base"], "Mars/Base is not a time zone."),
    ],
)
def test_what_is_not_there_is_said(
    tmp_path: Path, more: list[str], sentence: str
) -> None:
    path = write(tmp_path / "calls.jsonl", document(1))
    out, err, code = run(path, *more)
    assert (out, err.strip(), code) == ("", sentence, 2)
    assert not RawRecord.objects.exists()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    _, err, code = run(tmp_path / "nothing.jsonl")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot be read" in err


def test_an_interrupted_import_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "calls.jsonl", *map(document, range(6)))
    settle = ingest.settle_calls  # type: ignore[attr-defined]  # as `ingest` sees it
    taken: list[int] = []

    def interrupted(*arguments: Any, **more: Any) -> None:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(1)
        settle(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "settle_calls", interrupted)
        _, err, code = run(path, "--batch", "2", "--json")
    assert (code, Charge.objects.count()) == (130, 4)
    assert "run it again" in err
    told, _, code = run(path, "--batch", "2", "--json")
    assert (told["stored"], told["duplicates"], code) == (2, 4, 0)


def test_the_organisation_can_be_named_for_a_whole_file(
    tmp_path: Path, contoso: Organisation
) -> None:
    path = write(tmp_path / "calls.jsonl", document(1, **{"from": "+886299990000"}))
    run(path, "--organisation", "contoso")
    assert CallRecord.objects.get().organisation == contoso


def test_settle_calls_replays_and_tells_who_paid(
    tmp_path: Path, formosa: Organisation, mei: Line
) -> None:
    mei.numbers.all().delete()
    path = write(tmp_path / "calls.jsonl", document(1), document(2))
    assert run(path, "--json")[0]["waiting"] == 2
    mei.numbers.create(
        organisation=formosa, number="+886223456789", starts_at=formosa.opened_at
    )
    give_credit(formosa, "0.03")
    out = StringIO()
    call_command("settle_calls", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "calls": 2,
        "pool": {},
        "credit": {"USD": "0.030000"},
        "postpaid": {},
        "debt": {"USD": "0.012000"},
    }
    out = StringIO()
    call_command("settle_calls", "--json", stdout=out)
    assert json.loads(out.getvalue())["calls"] == 0


def test_freeswitch_files_are_imported(tmp_path: Path, pbx: Source) -> None:
    from tests.calling.test_freeswitch_json import DOCUMENT  # one sample for all

    told = json.loads(json.dumps(DOCUMENT))
    told["variables"]["accountcode"] = "FORMOSA"
    leg = json.loads(json.dumps(told))
    leg["callflow"]["caller_profile"]["originator"] = {}
    path = write(tmp_path / "cdr.json", told, leg)
    out, err = StringIO(), StringIO()
    call_command(
        "import_calls",
        str(path),
        "--format",
        "freeswitch-json",
        "--source",
        "pbx",
        stdout=out,
        stderr=err,
    )
    assert out.getvalue().startswith("stored 1, duplicates 0")
    assert "1 legs are not billed" in err.getvalue()
    assert CallRecord.objects.get().billable_seconds == 123
