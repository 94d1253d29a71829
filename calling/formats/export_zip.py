"""Opens a ZIP that somebody sent us, and trusts nothing in it.

Only files of known names, without folders; at most ten; none that is, or says it is,
larger than the limit or packed tighter than call records can be. What is not known is
named in an error and left alone.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TypeAlias

from calling.formats.pieces import PIECE
from calling.formats.record import RowError

SIGNATURE = b"PK\x03\x04"
MOST_MEMBERS = 10
LARGEST_FILE = 512 * 1024 * 1024
LARGEST_MEMBER = 2 * 1024 * 1024 * 1024
TIGHTEST = 100  # times smaller than unpacked
IN_MEMORY = 8 * 1024 * 1024
_CALLS = re.compile(r"(?:PSTN|DirectRouting)\.calls\.[\w-]{1,40}\.csv")
_PARAMETERS = "parameters.json"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
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
        archive = zipfile.ZipFile(file)
    except _BROKEN:
        yield "", _refused("This is not a ZIP, or not the whole of it.")
        return
    with archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            yield "", _refused(f"The ZIP holds more than {MOST_MEMBERS} files.")
            return
        for member in members:
            if member.filename != _PARAMETERS:
                yield member.filename, _opened(archive, member)


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Member:
    name = member.filename[:80]
    if not _CALLS.fullmatch(member.filename):
        return _refused(f"{name} is not a file of a usage export.")
    if member.flag_bits & 1:
        return _refused(f"{name} is encrypted.")
    if member.file_size > LARGEST_MEMBER:
        return _refused(f"{name} is larger than {LARGEST_MEMBER:,} bytes.")
    if member.file_size > TIGHTEST * max(member.compress_size, 1_000):
        return _refused(f"{name} is packed too tightly to be a file of calls.")
    if not _is_whole(archive, member):
        return _refused(f"{name} is damaged.")
    return _pieces(archive, member)


def _is_whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether the bytes are what their sum says, before any of them is believed."""
    try:
        return sum(map(len, _pieces(archive, member))) == member.file_size
    except _BROKEN:
        return False


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes; never more of them than it declares."""
    with archive.open(member) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _refused(reason: str) -> RowError:
    return RowError(1, reason, "")
