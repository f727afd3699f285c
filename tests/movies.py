"""Small movies, box by box (ISO/IEC 14496-12)."""

import random
import struct


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def large(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def mvhd(created: int = 3_600, timescale: int = 1_000, duration: int = 90_500) -> bytes:
    return box(b"mvhd", struct.pack(">4xI4xII", created, timescale, duration) + bytes(80))


def fragment(track: int, base: int, durations: list[int]) -> bytes:
    run = struct.pack(f">II{len(durations)}I", 0x100, len(durations), *durations)
    traf = box(b"tfhd", struct.pack(">II", 0, track)) + box(b"tfdt", struct.pack(">4xI", base))
    return box(b"moof", box(b"traf", traf + box(b"trun", run)))


MOVIE = box(b"ftyp", b"isom") + large(b"mdat", bytes(100)) + box(b"moov", mvhd() + box(b"udta", bytes(50)))
FRAGMENTED = (
    box(
        b"moov",
        mvhd(duration=0)
        + box(
            b"trak",
            box(b"tkhd", struct.pack(">4x8xI", 5)) + box(b"mdia", box(b"mdhd", struct.pack(">4x8xI", 50))),
        ),
    )
    + fragment(5, 1_000, [50, 50])
    + box(b"mdat", bytes(9))
    + fragment(5, 1_100, [25])
)


def film(size: int, seed: str, seconds: int, created: int = 0) -> bytes:
    """Exactly so many bytes of a film of that length, or of noise where it would not fit."""
    chance = random.Random(seed)
    head, tail = box(b"ftyp", b"isom"), box(b"moov", mvhd(created, 1_000, seconds * 1_000))
    room = size - len(head) - len(tail) - 8
    if room < 0:
        return chance.randbytes(size)
    return head + box(b"mdat", chance.randbytes(room)) + tail
