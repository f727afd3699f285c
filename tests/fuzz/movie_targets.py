"""Recordings as cameras write them."""

import struct

from edged.formats.movie import MovieReader, movie_times
from tests.fuzz.contract import KIB, Target, require
from tests.movies import FRAGMENTED, MOVIE, box, mvhd


class _NoTimesError(Exception):
    """The decoder has found no sound movie."""


def _movie(data: bytes) -> None:
    reader = MovieReader()
    for at in range(0, len(data), 13):
        reader.feed(data[at : at + 13])
    found = reader.times()
    require(found == movie_times([data]), "chunks of another size say something else")
    if found is None:
        raise _NoTimesError
    require(found.duration_s >= 0, "a recording that ends before it begins")


def _many_boxes() -> list[bytes]:
    empty = box(b"moof", b"")
    run = box(b"trun", struct.pack(">II", 0x100, 0xFFFF_FFFF) + bytes(64))
    return [MOVIE + empty * 2000, MOVIE + run, box(b"moov", mvhd()) + box(b"free", b"") * 2000]


TARGETS = (
    Target(
        name="movie",
        contract="a recording's times, or none; the same in chunks of any size; film is not kept in memory.",
        body=_movie,
        refusals=(_NoTimesError,),
        seeds=lambda: (MOVIE, FRAGMENTED),
        hostile=_many_boxes,
        limit=16 * KIB,
        covers=(MovieReader.feed, movie_times),
    ),
)
