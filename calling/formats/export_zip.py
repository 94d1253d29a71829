"""The files of calls in the ZIP of a usage export.

Only files of known names, without folders. What is not known is named in an error and
left alone. The ZIP itself is held on disk where it is large.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TypeAlias

from calling.formats.record import RowError
from calling.sent_zip import BadZip, SentZip, ZipLimits

LARGEST_FILE = 512 * 1024 * 1024
LIMITS = ZipLimits(
    most_members=10,
    largest_member=2 * 1024 * 1024 * 1024,
    tightest=100,
    what="a file of calls",
)
IN_MEMORY = 8 * 1024 * 1024
_CALLS = re.compile(r"(?:PSTN|DirectRouting)\.calls\.[\w-]{1,40}\.csv")
_PARAMETERS = "parameters.json"
Member: TypeAlias = Iterator[bytes] | RowError


def open_members(pieces: Iterable[bytes]) -> Iterator[tuple[str, Member]]:
    """The files of calls by name, each to be read before the next is asked for."""
    with SpooledTemporaryFile(IN_MEMORY) as file:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > LARGEST_FILE:
                yield "", _refused(f"The ZIP is larger than {LARGEST_FILE:,} bytes.")
                return
            file.write(piece)
        yield from _members(file)


def _members(file: IO[bytes]) -> Iterator[tuple[str, Member]]:
    try:
        archive = SentZip(file, LIMITS)
    except BadZip as problem:
        yield "", _refused(str(problem))
        return
    for member in archive.members:
        if member.filename != _PARAMETERS:
            yield member.filename, _opened(archive, member)


def _opened(archive: SentZip, member: zipfile.ZipInfo) -> Member:
    if not _CALLS.fullmatch(member.filename):
        return _refused(f"{member.filename[:80]} is not a file of a usage export.")
    try:
        archive.check(member)
    except BadZip as problem:
        return _refused(str(problem))
    return archive.pieces(member)


def _refused(reason: str) -> RowError:
    return RowError(1, reason, "")
