"""The measurements work and say what they should; how fast anything is, is no test's business."""

import re
from pathlib import Path

import pytest

from benchmarks import ledger, memory, offload, rows, verification
from benchmarks.__main__ import MEASUREMENTS, document
from benchmarks.rows import Row
from benchmarks.scale import Scale
from tests.real_disk import scratch

TINY = Scale(
    repeats=1,
    clip=1 << 20,
    clip_of_eight=1 << 18,
    load_clip=1 << 20,
    append_s=0.05,
    events=300,
)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [rows.percentile(values, p) for p in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert rows.percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="no samples"):
        rows.percentile([], 50)


def test_a_rate_is_the_median_run_and_shows_the_slowest_and_the_fastest() -> None:
    row = rows.rate("copy", 1_000_000_000, [1.0, 2.0, 10.0], ("cp 400 MB/s",))
    assert (row.value, row.spread, row.runs, row.beside) == ("500 MB/s", "100 to 1000", 3, "cp 400 MB/s")


def test_every_line_of_the_table_is_as_wide_as_the_others() -> None:
    lines = rows.table([Row("a", "1"), Row("something long", "2 ms", "1 to 3", 5, "x")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 4


async def test_offload_is_measured_beside_what_a_person_would_type() -> None:
    with scratch() as folder:
        film = folder / "film"
        film.write_bytes(bytes(range(256)) * 4096)
        row = await offload.one(TINY, folder, film)
    assert re.search(r"[1-9]\d* MB/s", row.value)
    assert row.beside.count("MB/s") == 2


async def test_appends_are_timed_with_and_without_offloads() -> None:
    with scratch() as folder:
        idle, loaded = await ledger.measure(TINY, folder, copies=1)
    assert idle.runs > 0
    assert loaded.runs > 0
    assert "p99" in loaded.value


async def test_a_ledger_of_the_asked_length_is_written_and_verified() -> None:
    with scratch() as folder:
        written = await verification.prepare(TINY, folder)
        row = verification.library(TINY, written)
    assert row.figure == "verification of 300 events"


def test_the_page_says_what_limits_each_measurement() -> None:
    page = document([Row("copy", "1 MB/s")], "a machine", 1.0)
    headings = set(re.findall(r"^## (.+)$", page, re.MULTILINE))
    assert headings == {*MEASUREMENTS, "memory"}
    assert "| copy " in page


def test_memory_of_a_process_is_what_the_kernel_says_of_it() -> None:
    found = memory.look(_own_pid())
    assert found is not None
    assert 0 < found.own <= found.resident <= found.peak
    assert memory.look(2**22 + 1) is None  # above the largest number of a process


def _own_pid() -> int:
    return int(Path("/proc/self").readlink().name)
