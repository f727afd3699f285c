"""A ledger line has one form: golden bytes, and every other form of the same value refused."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import EdgeError, ErrorCode, FormatError
from edged.formats import facts
from edged.formats.line import Stamp, decode_line, encode_data, encode_line
from tests.edged.formats.samples import SEALED, STAMP, line

GRANT = facts.CameraGranted(grant="g1", slot=3, camera="GAT-0007", officer="p-17", reader="A", open_s=15.0)
GOLDEN = (
    '{"v":1,"seq":12,"prev":"' + "ab" * 32 + '","time":"2026-11-22T07:00:00.123Z","boottime_ns":5000,'
    '"boot_id":"' + "b" * 32 + '","clock":{"class":"unknown","max_error_ns":null},"type":"camera.granted",'
    '"actor":"reader:A","data":{"grant":"g1","slot":3,"camera":"GAT-0007","officer":"p-17","reader":"A","open_s":15.0}}'
)


def test_golden_bytes() -> None:
    assert encode_line(12, "ab" * 32, STAMP, "reader:A", GRANT, encode_data(GRANT)).raw == GOLDEN.encode()
    found = decode_line(GOLDEN.encode())
    assert (found.seq, found.prev, found.actor, found.fact) == (12, "ab" * 32, "reader:A", GRANT)
    assert found.stamp == STAMP
    assert found.hash == hashlib.sha256(GOLDEN.encode()).hexdigest()


@pytest.mark.fault("T13", "the same value in any other bytes is refused: no two readers can differ")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.replace('"slot":3', '"slot":3,"slot":4'),
        lambda s: s.replace('"slot":3', '"slot":3.0'),
        lambda s: s.replace('"slot":3', '"slot": 3'),
        lambda s: s.replace('"slot":3', '"slot":03'),
        lambda s: s.replace('"slot":3', '"slot":"3"'),
        lambda s: s.replace('"slot":3,', ""),
        lambda s: s.replace('"open_s":15.0', '"open_s":1.5e1'),
        lambda s: s.replace('"open_s":15.0', '"open_s":NaN'),
        lambda s: s.replace("GAT", "\\u0047AT"),
        lambda s: s.replace("GAT", "GA\\/T"),
        lambda s: s.replace('"seq":12', '"seq":012'),
        lambda s: s.replace('"seq":12', '"seq":-12'),
        lambda s: s.replace('"seq":12,', '"seq":12,"seq":12,'),
        lambda s: s.replace('"v":1,"seq":12,', '"seq":12,"v":1,'),
        lambda s: s.replace("ab", "AB"),
        lambda s: s.replace("unknown", "perfect"),
        lambda s: s.replace("reader:A", 'reader:A","x":"'),
        lambda s: s.replace("2026-11-22", "2026-11-31"),
        lambda s: " " + s,
        lambda s: s + " ",
        lambda s: s + "}",
        lambda s: s[:-1],
        lambda s: "\ufeff" + s,
    ],
)
def test_another_form_is_refused(spoil: Callable[[str], str]) -> None:
    assert spoil(GOLDEN) != GOLDEN
    with pytest.raises(FormatError):
        decode_line(spoil(GOLDEN).encode())


@pytest.mark.fault("F07", "version, type and fields of a newer edged are told apart from damage")
@pytest.mark.parametrize(
    "newer",
    [
        lambda s: s.replace('"v":1', '"v":2'),
        lambda s: s.replace("camera.granted", "camera.dreamt"),
        lambda s: s.replace('"slot":3', '"slot":3,"colour":"red"'),
    ],
)
def test_a_newer_line_is_newer_and_not_damaged(newer: Callable[[str], str]) -> None:
    with pytest.raises(EdgeError) as caught:
        decode_line(newer(GOLDEN).encode())

    assert caught.value.code is ErrorCode.LEDGER_NEWER


def test_a_line_of_an_older_version_without_a_later_field_is_read() -> None:
    raw = line().raw.replace(b',"second_read":false', b"")

    assert decode_line(raw).fact == SEALED


texts = st.text(max_size=60)


@given(
    texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 10**17),
)
def test_what_is_written_is_read(text: str, number: int, fraction: float, seq: int) -> None:
    detail: facts.Facts = {"text": text, "number": number, "fraction": fraction, text: True}
    fact = facts.DockLost(dock=text, code=1001, detail=detail)
    stamp = Stamp(time=STAMP.time, boottime_ns=number, boot_id="0" * 32, clock="holdover", max_error_ns=seq)

    written = encode_line(seq, "0" * 64, stamp, "station", fact, encode_data(fact))

    assert decode_line(written.raw) == written
    assert b"\n" not in written.raw


@pytest.mark.parametrize(
    "fact",
    [
        facts.StationStopped(reason="\ud800"),
        facts.StationStopped(reason="x" * 70_000),
        facts.CameraGranted(grant="g", slot=3, camera="", officer="", reader="", open_s=float("nan")),
        facts.CameraGranted(grant="g", slot="3", camera="", officer="", reader="", open_s=1),  # type: ignore[arg-type]  # a careless caller
    ],
)
def test_a_fact_that_could_not_be_read_again_is_not_written(fact: facts.Fact) -> None:
    with pytest.raises(FormatError):
        encode_data(fact)
