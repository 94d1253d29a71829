"""Opens a ZIP that somebody sent us, and trusts nothing in it.

None of its files is encrypted or damaged; none is, or says it is, larger than the
limit, or packed tighter than what it should hold. Each refusal is one sentence.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

SIGNATURE = b"PK\x03\x04"
SMALL = 1_000  # bytes: a small file may be packed as tightly as it likes
_PIECE = 256 * 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


class BadZip(ValueError):
    """What is wrong with the ZIP, or with one file of it, in one sentence."""


@dataclass(frozen=True)
class ZipLimits:
    """How many files, how large in bytes, and how many times smaller when packed.

    `what` is what the files should be, for the sentence that refuses one.
    """

    most_members: int
    largest_member: int
    tightest: int
    what: str


class SentZip:
    """The files of a ZIP; raises BadZip for what is none, and for too many of them."""

    def __init__(self, file: IO[bytes], limits: ZipLimits) -> None:
        self.limits = limits
        try:
            self._archive = zipfile.ZipFile(file)
        except _BROKEN:
            raise BadZip("This is not a ZIP, or not the whole of it.") from None
        self.members = self._archive.infolist()
        if len(self.members) > limits.most_members:
            raise BadZip(f"The ZIP holds more than {limits.most_members} files.")

    def check(self, member: zipfile.ZipInfo) -> None:
        """Raises BadZip for a file that may not be opened, or is not what it says."""
        name, limits = member.filename[:80], self.limits
        if member.flag_bits & 1:
            raise BadZip(f"{name} is encrypted.")
        if member.file_size > limits.largest_member:
            raise BadZip(f"{name} is larger than {limits.largest_member:,} bytes.")
        if member.file_size > limits.tightest * max(member.compress_size, SMALL):
            raise BadZip(f"{name} is packed too tightly to be {limits.what}.")
        if not self._is_whole(member):
            raise BadZip(f"{name} is damaged.")

    def pieces(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The bytes of a file that was checked; never more than it declares."""
        with self._archive.open(member) as stream:
            while piece := stream.read(_PIECE):
                yield piece

    def _is_whole(self, member: zipfile.ZipInfo) -> bool:
        """Whether the bytes are what their sum says, before any of them is believed."""
        try:
            return sum(map(len, self.pieces(member))) == member.file_size
        except _BROKEN:
            return False
