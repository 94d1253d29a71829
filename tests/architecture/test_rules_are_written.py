"""Every rule that the code cites stands in docs/rules.md, and each says its status."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import EVERYTHING, ROOT, name_of, python_files

RULES = ROOT / "docs" / "rules.md"
HEADING = re.compile(
    r"^##+ (?P<number>\d+(\.\d+)?) .*?( · (?P<status>in force|partly|later))?$",
    re.MULTILINE,
)
RULE = re.compile(
    r"^##+ ([\d.]+) .* · (in force|partly|later)\n((?:.+\n)+)", re.MULTILINE
)
CITED = re.compile(r"\brules? (?P<numbers>\d+(\.\d+)?((, | and | to )\d+(\.\d+)?)*)")


def written_rules() -> dict[str, str | None]:
    text = RULES.read_text("utf-8")
    return {found["number"]: found["status"] for found in HEADING.finditer(text)}


def cited_rules(text: str) -> Iterator[str]:
    """Numbers after the word "rule", in lists too; a full stop is no digit."""
    for found in CITED.finditer(re.sub(r"\s*\n\s*#?\s*", " ", text)):
        yield from re.findall(r"\d+(?:\.\d+)?", found["numbers"])


def citations() -> Iterator[tuple[Path, str]]:
    for path in python_files(*EVERYTHING):
        for number in cited_rules(path.read_text("utf-8")):
            yield path, number


def test_every_cited_rule_is_written() -> None:
    written = written_rules()
    unknown = [
        f"{name_of(path)}: rule {number}"
        for path, number in citations()
        if number not in written
    ]
    assert unknown == []


def test_every_rule_says_where_it_stands() -> None:
    """Chapters hold rules; only chapters without any are rules themselves."""
    written = written_rules()
    with_sections = {number.split(".")[0] for number in written if "." in number}
    silent = [
        number
        for number, status in written.items()
        if status is None and number not in with_sections
    ]
    assert written
    assert silent == []


def test_what_is_missing_is_named() -> None:
    """A rule in force in part says what comes later, and no other does."""
    for number, status, text in RULE.findall(RULES.read_text("utf-8")):
        assert bool(re.search(r"Later:\s", text)) == (status == "partly"), (
            f"rule {number}"
        )


def test_what_is_in_force_is_cited_somewhere() -> None:
    """A rule in force, if only in part, has a place in the code that says so."""
    cited = {number for _, number in citations()}
    idle = [
        number
        for number, status in written_rules().items()
        if status in {"in force", "partly"} and number not in cited
    ]
    assert idle == []


def test_a_citation_is_found() -> None:
    text = '"""Spend (rules 3.5 and\n    3.6); see rule 12."""'
    assert list(cited_rules(text)) == ["3.5", "3.6", "12"]
    assert "99.9" not in written_rules()
