"""Resuming: what counts as proved and what does not."""

import asyncio
import hashlib

import pytest

from sync.directory_store import DirectoryDialler
from sync.store import Assurance, CentreGoneError, TransferStalledError
from sync.transfer import CHUNK, SYNC_EVERY, Clocks, Pace, Part, Transfer, Watch
from tests.fakes.memory_fs import MemoryFS
from tests.sync.faults import FaultyCentre
from tests.sync.virtual import LoopClock, run

CLOCKS = Clocks(idle_s=75, min_rate=1024, rate_window_s=120, absolute_s=600)
SIZE = 3 * SYNC_EVERY + 12_345
DATA = hashlib.shake_128(b"recording").digest(SIZE)


class Scene:
    def __init__(self) -> None:
        self.near, self.far = MemoryFS(), MemoryFS()
        self.near.put("/v/content.mp4", DATA)
        self.far.make_dirs("/home")
        self.centre = FaultyCentre(DirectoryDialler(self.far, "/home"))
        self.marks: list[int] = []
        self.began: list[str] = []
        self.resumed: list[int] = []

    async def send(self, part: Part | None = None) -> str:
        store = await self.centre.connect()
        watch = Watch(began=self.began.append, synced=self.marks.append, resumed=self.resumed.append)
        transfer = Transfer(store, self.near, LoopClock(), CLOCKS)
        sent = await transfer.send("/v/content.mp4", "new.part", part, watch)
        assert sent.sha256 == hashlib.sha256(DATA).hexdigest()
        return sent.path

    def there(self, name: str) -> bytes:
        return self.far.read(f"/home/{name}", 1 << 30)


def test_marks_are_set_only_where_the_centre_has_synced() -> None:
    scene = Scene()
    assert run(scene.send()) == "new.part"
    assert scene.there("new.part") == DATA
    assert scene.marks == [SYNC_EVERY, 2 * SYNC_EVERY, 3 * SYNC_EVERY, SIZE]
    scene = Scene()
    scene.centre.assurance = Assurance.WRITTEN
    run(scene.send())
    assert scene.marks == []


def test_a_transfer_goes_on_behind_what_was_synced() -> None:
    scene = Scene()
    scene.far.put("/home/old.part", DATA[: SYNC_EVERY + 100])
    assert run(scene.send(Part("old.part", SYNC_EVERY))) == "old.part"
    assert scene.there("old.part") == DATA
    assert scene.resumed == [SYNC_EVERY + 100]
    assert len(scene.centre.paths("read_at")) == 2  # the tail of the mark, and the 100 bytes behind it


@pytest.mark.parametrize(
    ("held", "synced", "resumed"),
    [
        (
            DATA[:CHUNK] + bytes(CHUNK) + DATA[2 * CHUNK : 3 * CHUNK],
            0,
            CHUNK,
        ),  # a hole: the size proves nothing
        (bytes(CHUNK) + DATA[CHUNK : 4 * CHUNK], 0, 0),
        (bytes(len(DATA)), 2 * SYNC_EVERY, 0),  # a mark whose last block is not ours
        (DATA[:CHUNK], 2 * SYNC_EVERY, CHUNK),  # shorter than its mark: the centre was restored
        (DATA[: CHUNK + 7], 0, CHUNK + 7),
        (DATA, SIZE, SIZE),
    ],
)
def test_only_a_proved_prefix_is_kept(held: bytes, synced: int, resumed: int) -> None:
    scene = Scene()
    scene.far.put("/home/old.part", held)
    assert run(scene.send(Part("old.part", synced))) == "old.part"
    assert scene.there("old.part") == DATA
    assert scene.resumed == [resumed]


@pytest.mark.parametrize("held", [None, DATA + b"x"])
def test_a_part_that_is_gone_or_too_long_is_left_and_another_begun(held: bytes | None) -> None:
    scene = Scene()
    if held is not None:
        scene.far.put("/home/old.part", held)
    assert run(scene.send(Part("old.part", SYNC_EVERY))) == "new.part"
    assert scene.there("new.part") == DATA
    assert scene.began == ["new.part"]
    assert held is None or scene.there("old.part") == held


def test_an_empty_recording_is_evidence_too() -> None:
    scene = Scene()
    scene.near.put("/v/content.mp4", b"")

    async def send() -> int:
        store = await scene.centre.connect()
        sent = await Transfer(store, scene.near, LoopClock(), CLOCKS).send(
            "/v/content.mp4", "e.part", None, Watch()
        )
        return sent.size

    assert run(send()) == 0
    assert scene.there("e.part") == b""


def test_files_are_compared_byte_by_byte() -> None:
    scene = Scene()
    scene.far.put("/home/same", DATA)
    scene.far.put("/home/other", DATA[:-1] + b"\0")
    scene.far.put("/home/short", DATA[:-1])

    async def compare() -> list[bool]:
        transfer = Transfer(await scene.centre.connect(), scene.near, LoopClock(), CLOCKS)
        return [await transfer.equal(name, "/v/content.mp4") for name in ("same", "other", "short", "none")]

    assert run(compare()) == [True, False, False, False]


def test_a_line_that_breaks_before_the_first_sync_leaves_no_mark() -> None:
    scene = Scene()
    scene.centre.fail("write_at", CentreGoneError(), skip=3)
    with pytest.raises(CentreGoneError):
        run(scene.send())
    assert scene.marks == []


async def _pass(pace: Pace, times: int, size: int, seconds: float) -> None:
    for _ in range(times):
        await asyncio.sleep(seconds)
        await pace.passed(size)


def test_the_absolute_clock_ends_what_only_just_moves() -> None:
    async def scene() -> None:
        await _pass(Pace(LoopClock(), CLOCKS, 1024 * 100), 100, 120_000, 10.0)

    with pytest.raises(TransferStalledError, match="absolute"):
        run(scene())


def test_what_happens_in_between_does_not_count_against_a_transfer() -> None:
    async def scene() -> None:
        pace = Pace(LoopClock(), CLOCKS, 1024)
        for _ in range(10):
            with pace.paused():
                await asyncio.sleep(3600)
            await _pass(pace, 1, CHUNK, 1.0)

    run(scene())


def test_the_configured_rate_is_kept() -> None:
    async def scene() -> float:
        clocks = Clocks(idle_s=75, min_rate=1024, rate_window_s=120, absolute_s=600, rate_limit=100_000)
        pace = Pace(LoopClock(), clocks, 10**6)
        await _pass(pace, 10, 100_000, 0.0)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(10.0)
