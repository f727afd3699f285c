"""Random damage: whatever is done to a ledger that is covered, both verifiers see it; they never disagree."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs import verify_ledger as independent
from edged.ledger.pieces import piece_name
from tests.edged.ledger.copies import Copy, checkpoint, covered, first, second, usual
from tests.edged.ledger.station import LEDGER

PIECES = (f"{LEDGER}/{piece_name(0, 4)}", f"{LEDGER}/{piece_name(5, 8)}")
NOTES = (checkpoint(5), checkpoint(9))
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Damage = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def signatures_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few notes come up in hundreds of copies, and Ed25519 in plain Python takes milliseconds."""
    monkeypatch.setattr(independent, "verifies", cache(independent.verifies))


# --- kinds of damage: each says by its numbers where, whatever the length of what it is done to --------------


def flipped(at: int, value: int) -> Damage:
    def damage(data: bytes) -> bytes:
        place = at % len(data)
        return data[:place] + bytes([data[place] ^ value]) + data[place + 1 :]

    return damage


def removed(at: int, count: int) -> Damage:
    def damage(data: bytes) -> bytes:
        place = at % len(data)
        return data[:place] + data[place + count :]

    return damage


def inserted(at: int, what: bytes) -> Damage:
    def damage(data: bytes) -> bytes:
        place = at % (len(data) + 1)
        return data[:place] + what + data[place:]

    return damage


def replaced(old: bytes, new: bytes) -> Damage:
    return lambda data: data.replace(old, new, 1)


def repeated(at: int) -> Damage:
    def damage(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        place = at % len(lines)
        return b"".join([*lines[: place + 1], *lines[place:]])

    return damage


PLACES = st.integers(0, 10_000)
BYTES = st.integers(1, 255)
ONE_BYTE = st.one_of(
    st.builds(flipped, PLACES, BYTES),
    st.builds(removed, PLACES, st.just(1)),
    st.builds(inserted, PLACES, BYTES.map(lambda value: bytes([value]))),
)
TOKENS = st.sampled_from(
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":01'),
        (b'"reason"', b'"re\\u0061son"'),
        (b'"reason":', b'"reason":"","reason":'),
        (b":1000000}", b":1.0e6}"),
        (b":null", b":0"),
        (b'"station"', b'"person:\xd0\xaf"'),
        (b"T07:", b"T24:"),
        (b"2026-11-22", b"2026-02-30"),
        (b"}}\n", b"} }\n"),
        (b"}}\n", b"}}\r\n"),
        (b"\n", b"\n\n"),
        (b"yahodyn-1", b"yahodyn-2"),
        ("\u2014".encode(), b"-"),
        (b"=\n", b"\n"),
    ]
)
ANY_DAMAGE = st.one_of(
    ONE_BYTE,
    st.builds(removed, PLACES, st.integers(1, 1000)),
    st.builds(inserted, PLACES, st.binary(min_size=1, max_size=20)),
    st.builds(repeated, PLACES),
    TOKENS.map(lambda token: replaced(*token)),
)


# --- a ledger that is covered --------------------------------------------------------------------------------


def require_bad(copy: Copy, folder: Path) -> None:
    assert not first(copy).good
    assert not second(copy, folder).good


@given(path=st.sampled_from([*PIECES, *NOTES]), damage=ONE_BYTE)
@EXAMPLES
def test_no_byte_of_a_covered_ledger_can_change(tmp_path: Path, path: str, damage: Damage) -> None:
    copy = covered().fresh()
    copy.files[path] = damage(copy.files[path])

    require_bad(copy, tmp_path / "copy")


@given(st.lists(st.integers(0, 8), max_size=12))
@EXAMPLES
def test_no_line_of_a_covered_ledger_can_go_move_or_come_twice(tmp_path: Path, order: list[int]) -> None:
    copy = covered().fresh()
    lines = [line for path in PIECES for line in copy.lines(path)]
    lines = [lines[n] for n in order]
    copy.put_lines(PIECES[0], lines[:5])
    copy.put_lines(PIECES[1], lines[5:])

    assert first(copy).good == second(copy, tmp_path / "copy").good == (order == list(range(9)))


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("change", ["removed", "repeated", "exchanged"])
def test_every_line_of_a_covered_ledger_is_held(tmp_path: Path, n: int, change: str) -> None:
    order = list(range(9))
    order[n : n + 2] = {"removed": [n + 1], "repeated": [n, n, n + 1], "exchanged": [n + 1, n]}[change]
    copy = covered().fresh()
    lines = [line for path in PIECES for line in copy.lines(path)]
    copy.put_lines(PIECES[0], [lines[m] for m in order[:5]])
    copy.put_lines(PIECES[1], [lines[m] for m in order[5:]])

    require_bad(copy, tmp_path / "copy")


# --- any ledger, any damage -----------------------------------------------------------------------------------


@given(
    hurt=st.lists(st.tuples(PLACES, ANY_DAMAGE), min_size=1, max_size=3),
    against=st.booleans(),
    countersigned=st.booleans(),
    recordings=st.booleans(),
)
@settings(EXAMPLES, max_examples=250)
def test_the_two_never_disagree(
    tmp_path: Path, hurt: list[tuple[int, Damage]], *, against: bool, countersigned: bool, recordings: bool
) -> None:
    """But for what a fact may say: only the first knows, and where it is all that it objects to, it may be alone."""
    copy = usual().copy.fresh(
        against=usual().kept if against else None, countersigned=countersigned, recordings=recordings
    )
    paths = sorted(path for path, data in copy.files.items() if data)
    for which, damage in hurt:
        path = paths[which % len(paths)]
        copy.files[path] = damage(copy.files[path] or b"?")

    one, two = first(copy), second(copy, tmp_path / "copy")

    if one.good != two.good:
        assert two.good
        assert one.only_about_facts


@pytest.mark.parametrize(
    "data",
    [b"[" * 60_000, b"[" * 20_000 + b"]" * 20_000, b"9" * 1_000_000, bytes(1_000_000), b"\n" * 10_000],
    ids=["brackets", "brackets that close", "digits", "zeros", "empty lines"],
)
def test_neither_minds_a_file_full_of_nothing(tmp_path: Path, data: bytes) -> None:
    path = f"{LEDGER}/current.jsonl"
    line = usual().copy.lines(path)[0]
    inside = line[: line.index(b'"data":')] + b'"data":{"reason":' + data + b"}}\n"
    for content in (data, inside):
        copy = usual().copy.fresh()
        copy.files[path] = content

        one, two = first(copy), second(copy, tmp_path / "copy")

        assert not one.good
        assert one == two
