"""Opens a ZIP of sheets that somebody sent us, and trusts nothing in it.

Only files of the names asked for, wherever they lie in it; none that is, or says it is,
larger than the limit or packed tighter than a price list can be.
"""

import io
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from calling.decks.record import BadDeck

MOST_MEMBERS = 200
LARGEST_MEMBER = 200_000_000
TIGHTEST = 200  # times smaller than unpacked
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def sheets_in(raw: bytes, wanted: Collection[str]) -> dict[str, bytes]:
    """The wanted files by name; raises BadDeck for what is no ZIP or is not safe."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except _BROKEN:
        raise BadDeck("This is not a ZIP of sheets, or not the whole of it.") from None
    found: dict[str, bytes] = {}
    with archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise BadDeck(f"The ZIP holds more than {MOST_MEMBERS} files.")
        for member in members:
            name = PurePosixPath(member.filename).name
            if name in wanted and not member.is_dir():
                if name in found:
                    raise BadDeck(f"The ZIP holds {name} twice.")
                found[name] = _read(archive, member, name)
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    if member.flag_bits & 1:
        raise BadDeck(f"{name} is encrypted.")
    if member.file_size > LARGEST_MEMBER:
        raise BadDeck(f"{name} is larger than {LARGEST_MEMBER:,} bytes.")
    if member.file_size > TIGHTEST * max(member.compress_size, 1_000):
        raise BadDeck(f"{name} is packed too tightly to be a price list.")
    try:
        with archive.open(member) as stream:
            return stream.read(LARGEST_MEMBER)
    except _BROKEN:
        raise BadDeck(f"{name} is damaged.") from None


def zip_folder(folder: Path) -> bytes:
    """The sheets of a folder as the ZIP that they would be sent in."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.glob("*.csv"))[:MOST_MEMBERS]:
            archive.write(path, path.name)
    return packed.getvalue()
