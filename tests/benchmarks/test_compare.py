"""What counts as slower than what was accepted."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare
from benchmarks.run_engine import ROW_FILES

ACCEPTED = {"postgresql": {"1b": 0.50}}


def report(ratio: float, **more: Any) -> dict[str, Any]:
    return {"engine": "postgresql", "lines": [{"row": "1b", "ratio": ratio}], **more}


def test_a_fifth_less_is_still_accepted() -> None:
    assert compare.worse([report(0.40)], ACCEPTED) == []


def test_less_than_that_is_not() -> None:
    assert compare.worse([report(0.39)], ACCEPTED) == [
        "postgresql row 1b: 0.39 is below 0.40, 0.8 of the accepted 0.50"
    ]


def test_a_row_that_nobody_accepted_yet_cannot_be_worse() -> None:
    assert compare.worse([report(0.01)], {}) == []


def test_a_run_without_result_or_that_failed_is_told() -> None:
    broken = report(0.5, no_result={"6": "a wrong balance"}, failed="exit code 1")
    assert compare.worse([broken], ACCEPTED) == [
        "postgresql row 6 has no result: a wrong balance",
        "postgresql failed: exit code 1",
    ]


def test_the_command_reads_a_file_of_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"engines": [report(0.001)]}))
    assert compare.main([str(file)]) == 1
    assert "row 1b: 0.00 is below" in capsys.readouterr().err
    file.write_text(json.dumps({"engines": [report(9.0)]}))
    assert compare.main([str(file)]) == 0


def test_what_is_accepted_names_rows_that_there_are() -> None:
    accepted = json.loads(compare.ACCEPTED.read_text())
    assert set(accepted) <= {"sqlite", "postgresql"}
    for rows in accepted.values():
        assert {row.rstrip("tm") for row in rows} <= set(ROW_FILES)
