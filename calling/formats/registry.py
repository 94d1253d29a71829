"""The formats by the name that commands and raw records call them."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from calling.formats import freeswitch, generic
from calling.formats.documents import Read, Rows, parse_documents
from calling.formats.record import BadRow, CallRecordIn, Profile


class Format(NamedTuple):
    decoder: json.JSONDecoder
    read: Read


FORMATS: dict[str, Format] = {
    "generic-json": Format(generic.DECODER, generic.read),
    "freeswitch-json": Format(freeswitch.DECODER, freeswitch.read),
}


def parse_stream(name: str, pieces: Iterable[bytes], profile: Profile) -> Rows:
    """The records of a file in a format, read piece by piece."""
    chosen = FORMATS[name]
    return parse_documents(pieces, chosen.decoder, chosen.read, profile)


def read_again(name: str, body: str, profile: Profile) -> CallRecordIn:
    """A kept body as the format reads it today; raises BadRow."""
    chosen = FORMATS[name]
    record = chosen.read(chosen.decoder.decode(body), body, profile)
    if record is None:
        raise BadRow("The leg policy of the source no longer bills this leg.")
    return record
