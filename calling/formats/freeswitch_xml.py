"""FreeSWITCH's mod_xml_cdr: the JSON document's twin in XML (docs/switches).

Pure. The elements are put into the shape of the JSON document and read by the same
rules. A document that declares a type or an entity is refused before it is read on:
none of the switch's does, and they could reach for files or grow without end.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import unquote
from xml.parsers import expat

from calling.formats import freeswitch
from calling.formats.documents import LONGEST_DOCUMENT, Row, Rows, clean_text
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, Profile, RowError, SkippedLeg

_END = b"</cdr>"
_START = re.compile(rb"<cdr[\s>]")
_WRAPPER = re.compile(rb"\s*(?:</?cdrs>\s*|<\?xml[^>]*\?>\s*(?=<cdrs>))*")
_CODING = re.compile(r"^\ufeff?<\?xml[^>]*encoding=[^>]*\?>\s*")
_DEEPEST = 20


def parse(raw: Raw, profile: Profile, content_type: str = "") -> Rows:
    if isinstance(raw, bytes):
        try:
            raw = freeswitch.unwrap(raw, content_type)
        except BadRow as problem:
            return iter([RowError(1, str(problem), clean_text(raw.decode("latin-1")))])
    return _parse(pieces_of(raw), profile)


def _parse(pieces: Iterable[bytes], profile: Profile) -> Rows:
    for line, document in _documents(pieces):
        if len(document) > LONGEST_DOCUMENT:
            reason = f"The record is longer than {LONGEST_DOCUMENT:,} bytes."
            yield RowError(line, reason, _shown(document))
        else:
            yield _row(line, document, profile)


def _documents(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each document with its line; one that is too long is cut, and skipped to its end.

    Nothing in a record can look like its end: values are URL-encoded.
    """
    line, rest, skipped = 1, b"", 0
    for piece in pieces:
        *whole, rest = (rest + piece).split(_END)
        for document in whole:
            if not skipped:
                yield from _apart(line, document + _END)
            line += skipped + document.count(b"\n")
            skipped = 0
        if len(rest) > LONGEST_DOCUMENT:
            if not skipped:
                yield line, rest
            kept = rest[-len(_END) :]
            skipped += rest.count(b"\n") - kept.count(b"\n") or 1
            rest = kept
    if not skipped:
        yield from _apart(line, rest)


def _apart(line: int, found: bytes) -> Iterator[tuple[int, bytes]]:
    """A document, and before it those that stop before their end."""
    starts = [start.start() for start in _START.finditer(found)][1:]
    for start, end in pairwise((0, *starts, len(found))):
        document = found[start:end]
        wrapper = _WRAPPER.match(document)
        inside = wrapper.end() if wrapper else 0
        if document[inside:].strip():
            yield line + found.count(b"\n", 0, start + inside), document[inside:]


def _row(line: int, document: bytes, profile: Profile) -> Row:
    try:
        tree = _Tree()
        tree.parse(document)
        body = _CODING.sub("", document.decode(tree.charset))
        record = freeswitch.read(_as_json(tree.root), body, profile)
    except expat.ExpatError as problem:
        return RowError(line, f"This is not XML: {problem}.", _shown(document))
    except BadRow as problem:
        return RowError(line, str(problem), _shown(document))
    except (LookupError, ValueError):
        return RowError(line, "The charset is not known.", _shown(document))
    if record is None:
        return SkippedLeg(line)
    record.line = line
    return record


class Element(NamedTuple):
    name: str
    parts: list["Element"]
    texts: list[str]


class _Tree:
    """The elements of one document, made by a parser that refuses declarations."""

    def __init__(self) -> None:
        self.root = Element("", [], [])
        self.open = [self.root]
        self.charset = "utf-8"
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse
        self.parser.SkippedEntityHandler = self._refuse
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def parse(self, document: bytes) -> None:
        self.parser.Parse(document, True)

    def _declaration(self, version: str, charset: str | None, alone: int) -> None:
        self.charset = charset or self.charset

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) > _DEEPEST:
            raise BadRow(f"Elements are nested more than {_DEEPEST} deep.")
        element = Element(name, [], [])
        self.open[-1].parts.append(element)
        self.open.append(element)

    def _end(self, name: str) -> None:
        self.open.pop()

    def _text(self, text: str) -> None:
        self.open[-1].texts.append(text)

    def _refuse(self, *told: object) -> int:
        raise BadRow("The document declares a type or an entity; that is refused.")


def _as_json(root: Element) -> dict[str, Any]:
    """The document as mod_json_cdr would have sent it."""
    cdr = root.parts[0]
    if cdr.name != "cdr":
        raise BadRow(f"This is a document of {cdr.name[:50]}, not of cdr.")
    variables: dict[str, Any] = {}
    flows = []
    for part in cdr.parts:
        if part.name == "variables":
            variables |= {one.name: _value(one) for one in part.parts}
        elif part.name == "callflow":
            flows.append({one.name: _decoded(one) for one in part.parts})
    if variables.get("uuid", "").startswith("a_"):
        # `prefix-a-leg` marks the leg in names; the id is what stands behind it.
        variables["uuid"] = variables["uuid"].removeprefix("a_")
    return {"variables": variables, "callflow": flows}


def _value(element: Element) -> str:
    return "".join(element.texts).strip()


def _decoded(element: Element) -> Any:
    """Parts by name; of a part without parts its text, URL-encoded only here."""
    if element.parts:
        return {one.name: _decoded(one) for one in element.parts}
    return unquote(_value(element))


def _shown(document: bytes) -> str:
    return clean_text(document[:2000].decode("utf-8", "backslashreplace"))
