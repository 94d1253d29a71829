"""What a format reads: bytes, an open file, or the pieces of one; never all at once."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

PIECE = 256 * 1024


class Stream(Protocol):
    """An open file in binary mode, as far as reading it goes."""

    def read(self, size: int, /) -> bytes: ...


Raw: TypeAlias = bytes | Stream | Iterable[bytes]


def pieces_of(raw: Raw) -> Iterator[bytes]:
    """The bytes, piece by piece."""
    if isinstance(raw, bytes):
        yield raw
    elif isinstance(raw, Iterable) and not hasattr(raw, "read"):
        yield from raw
    else:
        while piece := raw.read(PIECE):
            yield piece
