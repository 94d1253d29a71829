"""Words that must not stand in the repository, wherever a person reads or writes."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, name_of, text_files

# Written in two halves, so that this file does not find itself.
FORBIDDEN = {
    "a package registry": r"py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.",
    "a package mirror": r"index" + r"-url|deb\.debian" + r"\.org",
    "a document elsewhere": r"\bsha" + r"red/[\w*]|SEMAN" + r"TICS\.md",
    "somebody's folder": r"/ro" + r"ot/|/ho" + r"me/\w|/wo" + r"rk/\w|C:\\Us" + r"ers",
    "unfinished work": r"\bTO" + r"DO\b|\bFIX" + r"ME\b|\bHA" + r"CK\b",
    "a live secret": r"[sr]k_li" + r"ve_[A-Za-z0-9]{24}|whs" + r"ec_[A-Za-z0-9]{24}",
}
# The API's header is spelt as its clients spell theirs.
BRITISH = r"(?<!X-)\b[Oo]rganizations?\b"
# The lock is made without index addresses, and its command says so.
ALLOWED = {("Makefile", "a package mirror")}


def offences(text: str) -> list[str]:
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]


def test_no_forbidden_word() -> None:
    found = [
        f"{name_of(path)}: {what}"
        for path in text_files()
        for what in offences(path.read_text("utf-8", errors="replace"))
        if (name_of(path), what) not in ALLOWED
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/simple",
        "see ../sha" + "red/DESIGN.md",
        "/ro" + "ot/x",
        "# TO" + "DO later",
        "sk_li" + "ve_" + "a" * 24,
    ],
)
def test_a_forbidden_word_is_found(text: str) -> None:
    assert offences(text)


def test_the_glossary_is_british() -> None:
    """The provider's customers are organisations, in every document."""
    found = [
        f"{name_of(path)}: {word}"
        for path in text_files()
        if path.suffix == ".md"
        for word in re.findall(BRITISH, path.read_text("utf-8"))
    ]
    assert found == []
    assert re.findall(BRITISH, "an organization") == ["organization"]
    assert re.findall(BRITISH, "the header X-Organization") == []


def test_documents_stay_in_the_repository() -> None:
    """Every relative link of a document leads to a file that is there."""
    broken = [
        f"{name_of(path)} → {target}"
        for path in text_files()
        if path.suffix == ".md"
        for target in links(path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def links(text: str) -> list[Path]:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    return [Path(target) for target in targets if "://" not in target]


def test_a_link_is_found() -> None:
    text = "see [x](a/b.md#part) and [y](https://example.com)"
    assert links(text) == [Path("a/b.md")]


def test_code_names_documents_that_exist() -> None:
    found = [
        f"{name_of(path)} → {named}"
        for path in text_files()
        if path.suffix in {".py", ".sql", ".html"}
        for named in re.findall(r"\bdocs/[\w/.-]+\.md", path.read_text("utf-8"))
        if not (ROOT / named).exists()
    ]
    assert found == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    written = {path.name for path in folder.glob("[0-9]*.md")}
    listed = {str(path) for path in links((folder / "README.md").read_text("utf-8"))}
    assert written == listed
