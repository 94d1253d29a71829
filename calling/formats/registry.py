"""The formats by the name that commands and raw records call them."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from calling.formats import (
    asterisk,
    freeswitch,
    freeswitch_xml,
    generic,
    generic_csv,
    graph,
    kamailio,
    teams,
    twilio,
)
from calling.formats.documents import Rows
from calling.formats.pieces import Raw
from calling.formats.record import BadRow, CallRecordIn, Profile, RowError

Parse: TypeAlias = Callable[[Raw, Profile], Rows]

FORMATS: dict[str, Parse] = {
    "generic-json": generic.parse,
    "generic-csv": generic_csv.parse,
    "freeswitch-json": freeswitch.parse,
    "freeswitch-xml": freeswitch_xml.parse,
    "asterisk-csv": asterisk.parse,
    "kamailio": kamailio.parse,
    "graph-pstn": graph.parse_pstn,
    "graph-direct-routing": graph.parse_direct_routing,
    "teams-export": teams.parse,
    "direct-routing-csv": teams.parse_direct_routing,
    "twilio": twilio.parse,
}

IN_HALVES = frozenset({"kamailio"})  # a call may come in two records


def parse_stream(name: str, pieces: Iterable[bytes], profile: Profile) -> Rows:
    """The records of a file in a format, read piece by piece."""
    return FORMATS[name](pieces, profile)


def read_again(name: str, body: str, profile: Profile) -> CallRecordIn:
    """A kept body as the format reads it today; raises BadRow.

    What is kept of a record is a file of its format with that one record in it.
    """
    kept = replace(profile.columns, charset="utf-8")
    rows = FORMATS[name](body.encode() + b"\n", replace(profile, columns=kept))
    # Halves stand there one after another; of several tellings the newest is the last.
    found = next(iter(deque(rows, maxlen=1)), None)
    if isinstance(found, CallRecordIn):
        return found
    if isinstance(found, RowError):
        raise BadRow(found.reason)
    raise BadRow("The leg policy of the source no longer bills this leg.")
