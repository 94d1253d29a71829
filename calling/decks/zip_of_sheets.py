"""The sheets of a price list that comes as a ZIP, or as a folder.

Only files of the names asked for are looked at, wherever they lie in the ZIP.
"""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from calling.decks.record import BadDeck
from calling.sent_zip import BadZip, SentZip, ZipLimits

LIMITS = ZipLimits(
    most_members=200, largest_member=200_000_000, tightest=200, what="a price list"
)


def sheets_in(raw: bytes, wanted: Collection[str]) -> dict[str, bytes]:
    """The wanted files by name; raises BadDeck for what is no ZIP or is not safe."""
    found: dict[str, bytes] = {}
    try:
        archive = SentZip(io.BytesIO(raw), LIMITS)
        for member in archive.members:
            name = PurePosixPath(member.filename).name
            if name in wanted and not member.is_dir():
                if name in found:
                    raise BadDeck(f"The ZIP holds {name} twice.")
                archive.check(member)
                found[name] = b"".join(archive.pieces(member))
    except BadZip as problem:
        raise BadDeck(str(problem)) from None
    return found


def zip_folder(folder: Path) -> bytes:
    """The sheets of a folder as the ZIP that they would be sent in."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.glob("*.csv"))[: LIMITS.most_members]:
            archive.write(path, path.name)
    return packed.getvalue()
