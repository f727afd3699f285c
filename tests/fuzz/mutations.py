"""Inputs that Hypothesis makes out of a target's seeds, and some that are hostile to any decoder."""

from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from tests.fuzz.contract import Target

ODD_BYTES = (0x00, 0x01, 0x20, 0x22, 0x2D, 0x30, 0x5B, 0x5C, 0x7B, 0x7F, 0x80, 0xC0, 0xE5, 0xFF)
LIES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    1 << 40,
    (1 << 64) - 1,
)
"""Lengths and counts that are seldom true."""
WORDS = (b"null", b"-1", b"1e999", b"nan", b"\\ud800", b"\xff", b"\n\n", b'"', b"[[[[", b"9" * 20, b"\0" * 40)
LONG = 4_000  # bytes of an input that is the same again and again
MUTATIONS = 5  # of one input, at most


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], limit: int) -> bytes:
    """A seed with a few places changed: flipped, cut, put in, spliced, or a length that lies."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, MUTATIONS))):
        _mutate(draw, data, seeds)
    return bytes(data[:limit])


def _mutate(draw: st.DrawFn, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = draw(st.integers(0, len(data)))
    match draw(st.integers(0, 7)):
        case 0 if at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        case 1:
            data[at : at + 1] = bytes([draw(st.one_of(st.sampled_from(ODD_BYTES), st.integers(0, 255)))])
        case 2:
            del data[at : at + draw(st.integers(1, 64))]
        case 3:
            data[at:at] = draw(st.binary(max_size=16))
        case 4:
            data[at:at] = draw(st.sampled_from(WORDS))
        case 5:
            other = draw(st.sampled_from(seeds))
            data[at:] = other[draw(st.integers(0, len(other))) :]
        case 6:
            data[at:at] = data[at : at + draw(st.integers(1, 64))] * draw(st.integers(1, 4))
        case _:
            size = draw(st.sampled_from((1, 2, 4, 8)))
            lie = draw(st.sampled_from(LIES)) & (1 << 8 * size) - 1
            data[at : at + size] = lie.to_bytes(size, draw(st.sampled_from(("little", "big"))))


def hostile(target: Target) -> Iterator[bytes]:
    """Long inputs: one byte again and again, seeds again and again, open brackets; and the target's own."""
    size = min(target.limit, LONG)
    for byte in (b"\0", b"\xff", b"\n", b"[", b'{"a":', b"\x01", b" ", b"9"):
        yield (byte * size)[:size]
    for seed in target.seeds()[:3]:
        yield (seed * (size // max(1, len(seed)) + 1))[:size]
    yield from target.hostile()
