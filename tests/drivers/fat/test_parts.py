"""The small parts: names, sets of clusters, chains, regions."""

import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fat.cluster_set import FIRST, ClusterSet
from drivers.fat.names import escape, from_utf16, local_time, short_name, unescape
from drivers.fat.region import Region
from drivers.fat.table import EXFAT, FAT12, FAT16, FAT32, BrokenChainError, Table, Width
from edged.errors import CameraError
from tests.drivers.fat.devices import MemoryDevice

units = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40)
# Names that look like an escaped one: without an escape of the backslash two names had one text.
spelled = (
    st.lists(st.sampled_from(["\\u005c", "\\", "/"]), min_size=1)
    .map("".join)
    .map(lambda name: [*map(ord, name)])
)


@given(units | spelled)
@pytest.mark.fault("M04", "every sequence of UTF-16 units has a printable text of its own")
def test_every_name_has_a_text_of_its_own(name: list[int]) -> None:
    raw = struct.pack(f"<{len(name)}H", *name)
    text = from_utf16(raw)
    assert unescape(text).encode("utf-16-le", "surrogatepass") == raw
    assert "/" not in text
    text.encode()  # no lone surrogates
    assert escape(unescape(text)) == text


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (b"CLIP0001MP4\x20\x00", "CLIP0001.MP4"),
        (b"CLIP0001MP4\x20\x18", "clip0001.mp4"),
        (b"CLIP0001MP4\x20\x08", "clip0001.MP4"),
        (b"A          \x20\x00", "A"),
        (b"\x05AB     TXT\x20\x00", "\\udce5AB.TXT"),
        (b"..\\     / \x20\x00", "..\\u005c.\\u002f"),
    ],
)
def test_short_names_are_told_as_they_are(record: bytes, name: str) -> None:
    assert short_name(record.ljust(32, b"\0")) == name


def test_tens_of_milliseconds_give_the_odd_second() -> None:
    assert local_time(0x5D76, 0x6000, 199) == "2026-11-22T12:00:01"
    assert local_time(0x5D76, 0x6000, 200) == ""


@given(st.integers(1, 70), st.lists(st.tuples(st.integers(0, 69), st.integers(0, 30)), max_size=12))
def test_a_cluster_set_is_a_set(clusters: int, runs: list[tuple[int, int]]) -> None:
    mine, model = ClusterSet(clusters), set[int]()
    for low, count in runs:
        count = min(count, clusters - low)
        if count < 0:
            continue
        members = set(range(FIRST + low, FIRST + low + count))
        assert mine.add((FIRST + low, count)) == (not members & model)
        if not members & model:
            model |= members
    assert len(mine) == len(model)
    assert {n for start, count in mine.runs() for n in range(start, start + count)} == model
    assert all(n in mine for n in model)
    full = ClusterSet(clusters, b"\xff" * 9)
    assert {n for start, count in full.without(mine).runs() for n in range(start, start + count)} == (
        set(range(FIRST, FIRST + clusters)) - model
    )


def table_of(width: Width, entries: list[int]) -> Table:
    if width.bits == 12:
        raw = sum(entry << 12 * n for n, entry in enumerate(entries)).to_bytes(
            len(entries) * 3 // 2 + 1, "little"
        )
    else:
        raw = struct.pack(f"<{len(entries)}{width.code}", *entries)
    image = bytearray(raw.ljust(-(-len(raw) // 512) * 512, b"\0"))
    return Table(Region(MemoryDevice(image)), (0,), width, len(entries) - FIRST)


def naive(width: Width, entries: list[int], first: int, most: int) -> Iterable[int]:
    """One step a cluster."""
    cluster = first
    for _ in range(most):
        if not FIRST <= cluster < len(entries):
            raise BrokenChainError
        yield cluster
        cluster = entries[cluster] & width.mask
        if cluster >= width.end:
            return


@pytest.mark.parametrize("width", [FAT12, FAT16, FAT32, EXFAT], ids=["fat12", "fat16", "fat32", "exfat"])
@given(data=st.data())
def test_chains_are_what_one_step_a_cluster_gives(width: Width, data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 200))
    entries = [n + 1 for n in range(count)]
    for at in data.draw(st.lists(st.integers(0, count - 1), max_size=12)):
        entries[at] = data.draw(st.one_of(st.integers(0, count + 1), st.just(width.mask), st.just(width.bad)))
    if width is FAT32 and data.draw(st.booleans()):
        entries[data.draw(st.integers(0, count - 1))] |= 0xF0000000
    first = data.draw(st.integers(0, count + 1))
    steps = 3 * count

    def follow(chain: Iterable[int]) -> tuple[list[int], bool]:
        seen: list[int] = []
        try:
            for cluster in chain:
                seen.append(cluster)
                if len(seen) == steps:
                    break
        except BrokenChainError:
            return seen, True
        return seen, False

    runs = table_of(width, entries).chain(first)
    mine = (cluster for start, length in runs for cluster in range(start, start + length))
    assert follow(mine) == follow(naive(width, entries, first, steps))


@pytest.mark.parametrize("width", [FAT16, FAT32], ids=["fat16", "fat32"])
def test_a_run_goes_on_over_the_borders_of_pieces(width: Width) -> None:
    count = 60_000
    table = table_of(width, [n + 1 for n in range(count - 1)] + [width.mask])
    assert list(table.chain(5)) == [(5, count - 5)]
    assert table.tally() == (0, 0)
    assert len(table.allocated()) == count - FIRST


def test_a_region_writes_only_sectors_that_differ() -> None:
    device = MemoryDevice(bytearray(512 * 8))
    region = Region(device)
    region.replace(700, b"\1")
    region.replace(512 * 4, bytes(512) + b"\2" * 512)
    assert [lba for lba, _ in device.written] == [1, 5]
    assert region.read(699, 3) == b"\0\1\0"
    region.sync()
    region.sync()
    assert len(device.phases) == 2


@given(st.integers(-10, 6000), st.integers(-10, 6000))
def test_nothing_outside_of_a_region_is_read(offset: int, size: int) -> None:
    region = Region(MemoryDevice(bytearray(range(256)) * 16), 2, 4)
    whole = (bytes(range(256)) * 16)[1024:3072]
    if offset >= 0 and size >= 0 and offset + size <= 2048:
        assert region.read(offset, size) == whole[offset : offset + size]
    else:
        with pytest.raises(CameraError):
            region.read(offset, size)
