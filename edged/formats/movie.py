"""When a recording begins and how long it is, out of its MP4 or MOV boxes as they go by (ISO/IEC 14496-12). Pure.

Boxes that hold boxes are entered, the few leaves that hold times are kept, everything else is passed over: film of any
length costs no memory. What a box says is the camera's word, in the camera's clock.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from types import MappingProxyType

EPOCH = datetime(1904, 1, 1)  # noqa: DTZ001  # ISO/IEC 14496-12 8.2.2: of UTC; cameras write their local time
LEAF_LIMIT = 1024 * 1024  # bytes of a leaf that is kept; a second of film has a run of some kB
TRACKS_LIMIT = 64

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"mvex", b"moof", b"traf"})
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800  # what a trun has of each sample
_UNKNOWN = (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True, slots=True)
class MovieTimes:
    began: datetime | None  # by the camera's clock, whatever its zone; None: not said
    duration_s: Fraction  # of its longest track


@dataclass(slots=True)
class _Track:
    timescale: int = 0  # ticks a second
    sample_ticks: int = 0  # of a sample whose run does not say
    first: int | None = None  # tick of its first fragment
    end: int = 0  # tick after its last fragment


@dataclass(slots=True)
class _Movie:
    timescale: int = 0
    created: int = 0
    duration: int = 0
    tracks: dict[int, _Track] = field(default_factory=dict)
    current: int = 0  # the track that boxes speak of
    sample_ticks: int = 0  # in this fragment

    def track(self, number: int) -> _Track:
        """Raises ValueError: more tracks than a recording has."""
        if number not in self.tracks and len(self.tracks) >= TRACKS_LIMIT:
            raise ValueError("too many tracks")
        return self.tracks.setdefault(number, _Track())


class MovieReader:
    """Takes the file's bytes in order, in chunks of any size. What is no movie, or a broken one, has no times."""

    def __init__(self) -> None:
        self._movie = _Movie()
        self._header = bytearray()
        self._leaf = bytearray()
        self._kind = b""  # of the leaf that is being kept
        self._wanted = 0  # bytes of it that are still to come
        self._passed_over = 0  # bytes that are to be passed over
        self._broken = False

    def feed(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest and not self._broken:
            rest = self._step(rest)

    def times(self) -> MovieTimes | None:
        """What is known so far; after the last byte: of the whole file."""
        movie = self._movie
        if self._broken or not movie.timescale:
            return None
        lengths = [Fraction(movie.duration, movie.timescale)]
        lengths += [
            Fraction(track.end - track.first, track.timescale)
            for track in movie.tracks.values()
            if track.first is not None and track.timescale
        ]
        began = None
        if movie.created:
            try:
                began = EPOCH + timedelta(seconds=movie.created)
            except OverflowError:
                began = None
        return MovieTimes(began, max(lengths))

    def _step(self, data: memoryview) -> memoryview:
        """Take a part of ``data``; return what is left of it."""
        if self._passed_over:
            taken = min(self._passed_over, len(data))
            self._passed_over -= taken
            return data[taken:]
        if self._wanted:
            taken = min(self._wanted, len(data))
            self._leaf += data[:taken]
            self._wanted -= taken
            if not self._wanted:
                self._keep()
            return data[taken:]
        needed = 16 if bytes(self._header[:4]) == b"\0\0\0\1" else 8
        taken = min(needed - len(self._header), len(data))
        self._header += data[:taken]
        if len(self._header) in (8, 16):
            self._begin()
        return data[taken:]

    def _begin(self) -> None:
        """The header of a box may be whole."""
        size, kind = struct.unpack_from(">I4s", self._header)
        head = len(self._header)
        if size == 1:
            if head < 16:
                return
            (size,) = struct.unpack_from(">Q", self._header, 8)
        self._header.clear()
        if size == 0 and kind not in _CONTAINERS:
            size = 1 << 63  # up to the end of the file
        elif size < head:
            self._broken = True
            return
        if kind in _CONTAINERS:
            return
        if kind in _LEAVES and size - head <= LEAF_LIMIT:
            self._kind, self._wanted = kind, size - head
            if not self._wanted:
                self._keep()
        else:
            self._passed_over = size - head

    def _keep(self) -> None:
        content = bytes(self._leaf)
        self._leaf.clear()
        try:
            _LEAVES[self._kind](self._movie, content)
        except (struct.error, ValueError, IndexError):  # shorter than it says
            self._broken = True


def _mvhd(movie: _Movie, content: bytes) -> None:
    layout = ">4xQ8xIQ" if content[0] == 1 else ">4xI4xII"
    movie.created, movie.timescale, duration = struct.unpack_from(layout, content)
    movie.duration = 0 if duration in _UNKNOWN else duration


def _mehd(movie: _Movie, content: bytes) -> None:
    (duration,) = struct.unpack_from(">4xQ" if content[0] == 1 else ">4xI", content)
    movie.duration = max(movie.duration, duration)


def _tkhd(movie: _Movie, content: bytes) -> None:
    (movie.current,) = struct.unpack_from(">4x16xI" if content[0] == 1 else ">4x8xI", content)


def _mdhd(movie: _Movie, content: bytes) -> None:
    (timescale,) = struct.unpack_from(">4x16xI" if content[0] == 1 else ">4x8xI", content)
    movie.track(movie.current).timescale = timescale


def _trex(movie: _Movie, content: bytes) -> None:
    number, ticks = struct.unpack_from(">4xI4xI", content)
    movie.track(number).sample_ticks = ticks


def _tfhd(movie: _Movie, content: bytes) -> None:
    flags, movie.current = struct.unpack_from(">II", content)
    at = 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)  # base_data_offset, sample_description_index
    movie.sample_ticks = movie.track(movie.current).sample_ticks
    if flags & 8:
        (movie.sample_ticks,) = struct.unpack_from(">I", content, at)


def _tfdt(movie: _Movie, content: bytes) -> None:
    (tick,) = struct.unpack_from(">4xQ" if content[0] == 1 else ">4xI", content)
    track = movie.track(movie.current)
    track.first = tick if track.first is None else min(track.first, tick)
    track.end = max(track.end, tick)


def _trun(movie: _Movie, content: bytes) -> None:
    flags, count = struct.unpack_from(">II", content)
    track = movie.track(movie.current)
    track.first = 0 if track.first is None else track.first
    if not flags & _DURATION:
        track.end += count * movie.sample_ticks
        return
    at = 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)  # data_offset, first_sample_flags
    words = sum(1 for member in (_DURATION, _SIZE, _FLAGS, _OFFSET) if flags & member)
    if count * words * 4 > len(content) - at:
        raise ValueError("a run shorter than it says")
    track.end += sum(struct.unpack_from(f">{count * words}I", content, at)[::words])


_LEAVES: Mapping[bytes, Callable[[_Movie, bytes], None]] = MappingProxyType(
    {
        b"mvhd": _mvhd,
        b"mehd": _mehd,
        b"tkhd": _tkhd,
        b"mdhd": _mdhd,
        b"trex": _trex,
        b"tfhd": _tfhd,
        b"tfdt": _tfdt,
        b"trun": _trun,
    }
)


def movie_times(chunks: Iterable[bytes]) -> MovieTimes | None:
    """The times of a whole file."""
    reader = MovieReader()
    for chunk in chunks:
        reader.feed(chunk)
    return reader.times()
