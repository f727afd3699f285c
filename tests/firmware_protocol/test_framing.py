"""Framing: any pieces, any damage, bounded memory, no spinning."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.framing import MAX_PAYLOAD, FrameReceived, FrameRejected, Reject, Unpacker, pack
from tests.patience import calls

payloads = st.binary(min_size=1, max_size=MAX_PAYLOAD)


@pytest.mark.parametrize(
    ("payload", "frame"),
    [
        # CRC-16/CCITT-FALSE of "123456789" is 29B1: the catalogue's check value.
        (b"123456789", "00 0c 313233343536373839 29b1 00"),
        (b"\0", "00 01 03 e1f0 00"),
        (b"\x11\0\x22", "00 02 11 04 22 bcef 00"),
    ],
)
def test_golden_frames(payload: bytes, frame: str) -> None:
    assert pack(payload) == bytes.fromhex(frame)
    assert Unpacker().feed(bytes.fromhex(frame)) == [FrameReceived(payload)]


@given(st.lists(payloads, max_size=5), st.integers(1, 64))
def test_frames_survive_any_chunking(sent: list[bytes], chunk: int) -> None:
    stream = b"".join(map(pack, sent))
    unpacker = Unpacker()
    got = [e for i in range(0, len(stream), chunk) for e in unpacker.feed(stream[i : i + chunk])]
    assert got == [FrameReceived(p) for p in sent]


@pytest.mark.fault("Z01", "any bytes into the framing give frames or rejections, never an exception")
@given(st.binary(max_size=600), payloads)
def test_noise_costs_no_frame_after_it(noise: bytes, payload: bytes) -> None:
    events = Unpacker().feed(noise + pack(payload))
    assert events[-1] == FrameReceived(payload)


@given(payloads)
def test_a_frame_has_no_mark_inside(payload: bytes) -> None:
    assert 0 not in pack(payload)[1:-1]


@pytest.mark.fault("D01", "a frame with any single bit flipped is dropped, and the next one arrives")
def test_every_single_bit_flip_is_noticed() -> None:
    frame, following = pack(b"\x20\0\0\x01unlock slot 3"), pack(b"next")
    for bit in range(8, 8 * (len(frame) - 1)):  # the marks themselves only join or split noise
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        events = Unpacker().feed(bytes(damaged) + following)
        assert [e for e in events if isinstance(e, FrameReceived)] == [FrameReceived(b"next")], bit


@pytest.mark.fault("D01", "a truncated frame is dropped, and the next one arrives")
@given(payloads, st.data())
def test_a_truncated_frame_is_dropped(payload: bytes, data: st.DataObject) -> None:
    frame = pack(payload)
    cut = data.draw(st.integers(1, len(frame) - 2))
    events = Unpacker().feed(frame[:cut] + pack(b"next"))
    assert events[-1] == FrameReceived(b"next")
    assert FrameReceived(payload) not in events[:-1]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (b"\x05\x01", Reject.COBS),
        (b"\x03\x01\x02", Reject.TOO_SHORT),
        (b"\x04\x01\x02\x03", Reject.CRC),
        (b"\x01" * (MAX_PAYLOAD + 4), Reject.TOO_LONG),
    ],
)
def test_every_rejection_has_its_reason(run: bytes, reason: Reject) -> None:
    assert Unpacker().feed(b"\0" + run + b"\0") == [FrameRejected(reason, len(run))]


@pytest.mark.fault("D02", "a run without end costs bounded memory, and the size dropped is told")
def test_an_endless_run_costs_bounded_memory() -> None:
    unpacker = Unpacker()
    piece = b"\xee" * 4096
    tracemalloc.start()
    for _ in range(256):
        assert unpacker.feed(piece) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000
    assert unpacker.feed(b"\0") == [FrameRejected(Reject.TOO_LONG, 256 * 4096)]
    assert unpacker.feed(pack(b"next")) == [FrameReceived(b"next")]


@pytest.mark.fault("D02", "a megabyte of noise does not hold up the event loop")
@pytest.mark.parametrize(
    "noise",
    [b"\xee" * 1_000_000, bytes(1_000_000), random.Random(1).randbytes(1_000_000)],
    ids=["no-marks", "only-marks", "random"],
)
def test_a_megabyte_of_noise_is_cheap(noise: bytes) -> None:
    events, effort = calls(lambda: Unpacker().feed(noise))
    assert effort < len(noise) / 20  # byte by byte it is above the length
    assert not any(isinstance(e, FrameReceived) for e in events)


@pytest.mark.parametrize("payload", [b"", bytes(MAX_PAYLOAD + 1)])
def test_a_payload_that_no_frame_holds_is_a_callers_mistake(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"expected 1\.\.240"):
        pack(payload)
