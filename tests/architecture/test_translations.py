"""Every text is there in Traditional Chinese, complete, and compiled."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.architecture.sources import APPS, ROOT, project_files

FOLDER = Path("locale") / "zh_Hant" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(%[sd])|\{(\w*)\}")
# The sandbox's pages are shown to people too; tests and the settings have no texts.
COLLECT = """
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.makemessages import Command
settings.configure(LOCALE_PATHS=["locale"])
call_command(Command(), locale=["zh_Hant"], verbosity=0)
"""
COLLECTED = (*APPS, "config", "sandbox", "templates")


def read_catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hant")


def texts(catalogue: Catalog) -> dict[tuple[str, str | None], Message]:
    return {
        (originals(message)[0], message.context): message
        for message in catalogue
        if message.id
    }


def originals(message: Message) -> tuple[str, ...]:
    """The text in English: singular, and plural where there is one."""
    found = message.id
    return tuple(found) if isinstance(found, list | tuple) else (found,)


def strings(message: Message) -> tuple[str, ...]:
    told = message.string
    return tuple(told) if isinstance(told, list | tuple) else (str(told),)


def placeholders(text: str) -> set[str]:
    return {"".join(found) for found in PLACEHOLDER.findall(text)}


def wrong(message: Message) -> Iterator[str]:
    """What is the matter with one translation."""
    if message.fuzzy:
        yield "is a guess"
    for told in strings(message):
        if not told.strip():
            yield "is missing"
        elif placeholders(told) != placeholders(originals(message)[-1]):
            yield "has other placeholders"


def test_every_translation_is_complete() -> None:
    found = {
        key[0]: problems
        for key, message in texts(read_catalogue(ROOT / FOLDER / "django.po")).items()
        if (problems := list(wrong(message)))
    }
    assert found == {}


def test_what_is_compiled_is_what_is_written() -> None:
    with (ROOT / FOLDER / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for (text, context), message in texts(
        read_catalogue(ROOT / FOLDER / "django.po")
    ).items():
        told = compiled.pgettext(context, text) if context else compiled.gettext(text)
        if len(originals(message)) == 1:
            assert told == strings(message)[0], text


@pytest.mark.gettext
def test_every_text_is_collected(tmp_path: Path) -> None:
    """A copy of the sources is searched anew, and finds nothing that is not there."""
    for path in project_files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in COLLECTED and path.suffix in {".py", ".html", ".txt"}:
            (tmp_path / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / relative)
    (tmp_path / FOLDER).mkdir(parents=True)
    subprocess.run([sys.executable, "-c", COLLECT], cwd=tmp_path, check=True)
    collected = set(texts(read_catalogue(tmp_path / FOLDER / "django.po")))
    written = set(texts(read_catalogue(ROOT / FOLDER / "django.po")))
    assert collected - written == set(), "run makemessages and translate"
    assert written - collected == set(), "no longer used"


def test_a_bad_translation_is_found() -> None:
    assert list(wrong(Message("a", ""))) == ["is missing"]
    assert list(wrong(Message("a %(b)s", "甲"))) == ["has other placeholders"]
    assert list(wrong(Message("a %(b)s", "%(b)s 甲"))) == []
    assert list(wrong(Message("a", "甲", flags={"fuzzy"}))) == ["is a guess"]
