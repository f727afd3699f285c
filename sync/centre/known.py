"""``intake.json``: how far a station's ledger is verified, and with which keys the station has signed up to there."""

import msgspec

from edged.errors import FormatError
from edged.formats.line import FIRST_PREV
from edged.formats.note import Verifier
from edged.formats.station_keys import StationKeys, Successor
from sync.centre.desk import Desk
from sync.files import read_or_none


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that followed another, and the number of the line that names it."""

    line: int
    key: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    size: int = 0
    last: str = FIRST_PREV  # hash of the last line
    peaks: tuple[str, ...] = ()
    checkpoint: str = ""  # the station's note over exactly this size
    status: str = ""  # name of the newest status that was there then
    first_key: str = ""  # "": the one that the desk was given
    keys: tuple[KnownKey, ...] = ()


def load_known(desk: Desk) -> Known:
    """Return how far we are; a damaged file is a stop, not a new beginning. OSError.

    Raises:
        FormatError: damaged.
    """
    data = read_or_none(desk.fs, f"{desk.folder}/intake.json")
    if data is None:
        return Known()
    try:
        return msgspec.json.decode(data, type=Known)
    except (ValueError, RecursionError) as exc:  # what msgspec raises
        raise FormatError(what="intake.json", station=desk.station_id) from exc


def known_keys(desk: Desk, known: Known) -> StationKeys:
    """Return the station's keys up to where its ledger is known.

    Raises:
        FormatError: damaged, or the key that the desk was given is none of them.
    """
    first = Verifier.parse(known.first_key) if known.first_key else desk.station
    keys = StationKeys(first, tuple(Successor(k.line, Verifier.parse(k.key)) for k in known.keys))
    if desk.station not in keys:
        raise FormatError(reason="the key that was given is none of this station's", station=desk.station_id)
    return keys
