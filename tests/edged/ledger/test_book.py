"""The ledger's writer: durable, in order, whole, whatever happens to callers, disk and power."""

import asyncio
import errno
import random

import pytest

from edged.errors import DiskError, EdgeError, ErrorCode, FormatError
from edged.formats.facts import CameraListed, ClipFact, LedgerTailCut
from edged.formats.line import Envelope, Line, decode_envelope, line_hash
from edged.ledger import recovery
from edged.ledger.book import Book
from edged.ledger.pen import RESERVE
from tests.edged.ledger.station import COMMISSIONED, LEDGER, STRANGER, Station, note, texts
from tests.fakes.memory_fs import MemoryFS, PowerCut

CURRENT = f"{LEDGER}/current.jsonl"


@pytest.fixture
def station() -> Station:
    return Station()


async def test_a_new_ledger_begins_with_its_commissioning(station: Station) -> None:
    book = await station.create()

    first = next(book.lines())

    assert (first.seq, first.prev, first.fact) == (0, "0" * 64, COMMISSIONED)
    assert book.size == 1
    assert book.trouble is None


async def test_a_ledger_begins_in_a_folder_whose_own_name_is_durable(station: Station) -> None:
    """The folder was made at a commissioning that the disk cut off."""
    station.fs.fail("sync_dir", errno.EIO, path="/state")
    with pytest.raises(EdgeError):
        await station.create()
    await station.create()

    station.fs.power_cut()

    assert (await station.open()).size == 1


async def test_a_ledger_that_is_there_is_not_begun_anew(station: Station) -> None:
    await station.create()

    with pytest.raises(EdgeError) as caught:
        await station.create()

    assert caught.value.code is ErrorCode.CONFLICT


async def test_every_line_carries_the_hash_of_the_line_before(station: Station) -> None:
    book = await station.with_lines("one", "two", "three")

    lines = list(book.lines())

    assert [line.seq for line in lines] == [0, 1, 2, 3]
    assert [line.prev for line in lines[1:]] == [line_hash(line.raw) for line in lines[:-1]]
    assert station.fs.read(CURRENT) == b"".join(line.raw + b"\n" for line in lines)


async def test_a_line_that_was_given_back_survives_a_power_cut(station: Station) -> None:
    book = await station.create()
    await book.append(note("kept"), "reader:A")

    station.fs.power_cut()

    again = await station.open()
    assert texts(again) == ["kept"]
    assert [line.actor for line in again.lines()] == ["station", "reader:A"]


async def test_facts_that_come_together_share_one_sync_and_keep_their_order(station: Station) -> None:
    book = await station.create()
    before = len([call for call, _ in station.fs.calls if call == "sync_data"])

    lines = await asyncio.gather(*(book.append(note(str(n))) for n in range(200)))

    syncs = len([call for call, _ in station.fs.calls if call == "sync_data"]) - before
    assert [line.seq for line in lines] == list(range(1, 201))
    assert texts(book) == [str(n) for n in range(200)]
    assert syncs <= 3  # the first alone, the others together, within the size of a batch


async def test_more_facts_than_may_wait_still_all_get_in(station: Station) -> None:
    book = await station.create()

    lines = await asyncio.gather(*(book.append(note(str(n))) for n in range(2500)))

    assert [line.seq for line in lines] == list(range(1, 2501))


async def test_a_cancelled_caller_leaves_a_whole_line(station: Station) -> None:
    book = await station.create()
    caller = asyncio.create_task(book.append(note("given up")))
    await asyncio.sleep(0)

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await book.append(note("next"))

    assert texts(book) == ["given up", "next"]


async def test_listeners_get_every_line_before_its_append_returns(station: Station) -> None:
    book = await station.create()
    heard: list[Line] = []
    end = book.subscribe(heard.append)

    line = await book.append(note("one"))
    assert heard == [line]
    end()
    await book.append(note("two"))

    assert heard == [line]


async def test_a_listener_that_fails_does_not_stop_the_ledger(station: Station) -> None:
    book = await station.create()
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context["exception"]))
    defect = RuntimeError("a view")

    def fail(_: Line) -> None:
        raise defect

    book.subscribe(fail)
    await book.append(note("one"))
    await book.append(note("two"))

    assert reports == [defect, defect]
    assert texts(book) == ["one", "two"]


@pytest.mark.parametrize("actor", ["", "nobody", "person:", 'person:a"b', "reader:a\nb", "person:a\\"])
async def test_an_actor_that_no_line_can_hold_is_refused(station: Station, actor: str) -> None:
    book = await station.create()

    with pytest.raises(FormatError):
        await book.append(note("x"), actor)

    assert book.size == 1


async def test_a_fact_longer_than_a_line_is_refused_and_nothing_is_written(station: Station) -> None:
    book = await station.create()
    clip = ClipFact(recording="a" * 32, path="Ж" * 1000, size=1, mtime="", first_cluster=2)
    long = CameraListed(camera="c", slot=1, volume="", filesystem="fat32", complete=True, clips=(clip,) * 64)

    with pytest.raises(FormatError):
        await book.append(long)
    await book.append(note("goes on"))

    assert texts(book) == ["goes on"]


async def test_lines_can_be_read_from_any_number_to_any_number(station: Station) -> None:
    book = await station.with_lines(*"abcdef")

    assert [line.seq for line in book.lines(2, 4)] == [2, 3, 4]
    assert [line.seq for line in book.lines(5)] == [5, 6]
    assert list(book.lines(7)) == []


# --- beginnings that are not there --------------------------------------------------------------------


@pytest.mark.fault("L03", "a missing or empty ledger is LEDGER_MISSING and never a new beginning")
@pytest.mark.parametrize("left", [None, b""])
async def test_a_missing_or_empty_ledger_is_not_begun_anew(station: Station, left: bytes | None) -> None:
    if left is not None:
        station.fs.put(CURRENT, left)

    with pytest.raises(EdgeError) as caught:
        await station.open()

    assert caught.value.code is ErrorCode.LEDGER_MISSING
    assert station.fs.files().get(CURRENT) == left


@pytest.mark.fault("T15", "another station's ledger under this station's key is refused and not touched")
async def test_another_stations_ledger_is_refused(station: Station) -> None:
    await station.with_lines("theirs")
    before = station.fs.files()

    with pytest.raises(EdgeError) as caught:
        await Book.open(station.fs, LEDGER, station.clock, station=STRANGER.verifier)

    assert caught.value.code is ErrorCode.LEDGER_CORRUPT
    assert station.fs.files() == before


@pytest.mark.fault(
    "F07", "a ledger with lines of a newer version is refused and not touched, torn tail included"
)
@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"type":"station.stopped"', b'"type":"camera.dreamt"'), (b'{"v":1,"seq":2', b'{"v":2,"seq":2')],
)
async def test_a_newer_ledger_is_not_touched(station: Station, old: bytes, new: bytes) -> None:
    book = await station.with_lines("one", "two")
    await book.close()
    content = station.fs.read(CURRENT).replace(old, new) + b'{"v":'
    station.fs.put(CURRENT, content)

    with pytest.raises(EdgeError) as caught:
        await station.open()

    assert caught.value.code is ErrorCode.LEDGER_NEWER
    assert station.fs.read(CURRENT) == content


# --- torn tails and damage ----------------------------------------------------------------------------


@pytest.mark.fault("L01", "only the torn tail is cut, its bytes are kept aside, and the cut is the next line")
@pytest.mark.parametrize("kept", [1, 17, 200, -1])
async def test_a_torn_last_line_is_cut_and_told(station: Station, kept: int) -> None:
    book = await station.with_lines("one", "two")
    good = station.fs.read(CURRENT)
    await book.append(note("torn"))
    torn = station.fs.read(CURRENT)[len(good) :][:kept]
    await book.close()
    station.fs.put(CURRENT, good + torn)

    again = await station.open()

    *lines, cut = again.lines()
    assert texts(again) == ["one", "two"]
    assert station.fs.read(CURRENT) == good + cut.raw + b"\n"
    assert cut.fact == LedgerTailCut(size=len(torn), sha256=line_hash(torn))
    assert [data for path, data in station.fs.files(f"{LEDGER}/torn").items()] == [torn]
    assert again.trouble is None
    assert len(lines) == 3


async def test_a_line_of_which_only_both_ends_were_written_is_a_torn_tail(station: Station) -> None:
    book = await station.with_lines("one")
    await book.append(note("unsure" + "." * 2000))
    data = station.fs.read(CURRENT)
    hole = data.index(b"....") + 100
    station.fs.put(CURRENT, data[:hole] + bytes(512) + data[hole + 512 :])

    again = await station.open()

    assert texts(again) == ["one"]
    assert isinstance(list(again.lines())[-1].fact, LedgerTailCut)
    assert again.trouble is None


@pytest.mark.fault("L01", "a batch of which the disk kept later blocks only is one torn tail, not damage")
async def test_a_batch_with_a_hole_is_a_torn_tail(station: Station) -> None:
    book = await station.with_lines("acknowledged")
    good = len(station.fs.read(CURRENT))
    station.clock.advance(1)
    await asyncio.gather(*(book.append(note(f"{n:03d}" + "." * 600)) for n in range(40)))
    await book.close()
    raw = bytearray(station.fs.read(CURRENT))
    first_alone = raw.index(b"\n", good) + 1  # the first append was written before the others came
    raw[first_alone : first_alone + 4096] = bytes(4096)
    station.fs.put(CURRENT, bytes(raw))

    again = await station.open()

    assert again.trouble is None
    assert texts(again) == ["acknowledged", "000" + "." * 600]


@pytest.mark.clause(
    "459-II.2-protect", "damage before acknowledged lines of the log is told and nothing is cut off"
)
@pytest.mark.fault("L02", "a changed line inside stops trust, is reported with its place, and is not skipped")
async def test_damage_before_acknowledged_lines_is_trouble_and_nothing_is_cut(station: Station) -> None:
    book = await station.with_lines("one", "two", "three")
    await book.close()
    before = station.fs.read(CURRENT).replace(b'"reason":"two"', b'"reason":"2wo"')
    station.fs.put(CURRENT, before)

    again = await station.open()

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_CORRUPT
    assert [place.seq for place in again.damage] == [3]
    assert station.fs.read(CURRENT) == before
    with pytest.raises(EdgeError) as caught:
        texts(again)
    assert caught.value.code is ErrorCode.LEDGER_CORRUPT


@pytest.mark.fault("L02", "an unreadable line before two acknowledged batches is damage and no torn tail")
async def test_an_unreadable_line_before_acknowledged_ones_is_no_torn_tail(station: Station) -> None:
    book = await station.with_lines("one", "two", "three")
    await book.close()
    lines = station.fs.read(CURRENT).splitlines(keepends=True)
    before = b"".join([lines[0], bytes(len(lines[1]) - 1) + b"\n", *lines[2:]])
    station.fs.put(CURRENT, before)

    again = await station.open()

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_CORRUPT
    assert station.fs.read(CURRENT) == before
    assert texts(again, strict=False) == ["two", "three"]


@pytest.mark.fault("L02", "the station goes on writing behind the damage, so that copying goes on")
async def test_a_damaged_ledger_takes_new_lines_after_the_last_readable_one(station: Station) -> None:
    book = await station.with_lines("one", "two", "three")
    await book.close()
    whole = station.fs.read(CURRENT)
    station.fs.put(CURRENT, whole.replace(b'"reason":"one"', b'"reason";"one"'))

    again = await station.open()
    line = await again.append(note("after"))

    assert (line.seq, line.prev) == (4, line_hash(whole.splitlines()[-1]))
    assert texts(again, strict=False) == ["two", "three", "after"]

    await again.close()
    healed = station.fs.read(CURRENT).replace(b'"reason";"one"', b'"reason":"one"')
    station.fs.put(CURRENT, healed)
    back = await station.open()
    assert back.trouble is None
    assert texts(back) == ["one", "two", "three", "after"]


@pytest.mark.fault("L02", "an old line written once more is damage, and takes no number back")
async def test_an_old_line_once_more_takes_no_number_back(station: Station) -> None:
    book = await station.with_lines("one", "two", "three")
    await book.close()
    before = station.fs.read(CURRENT)
    station.fs.put(CURRENT, before + before.splitlines(keepends=True)[1])

    again = await station.open()
    line = await again.append(note("after"))

    assert again.trouble is not None
    assert (line.seq, line.prev) == (4, line_hash(before.splitlines()[-1]))
    assert texts(again, strict=False) == ["one", "two", "three", "after"]


@pytest.mark.fault("L02", "a closed piece that is gone hides no line of the pieces after it")
async def test_a_missing_piece_hides_no_later_line(station: Station) -> None:
    book = await station.with_lines("one", "two")
    checkpointer = await station.checkpointer(book)
    for text in ("three", "four", "five"):
        await checkpointer.checkpoint()
        await book.append(note(text))
    await book.close()
    station.fs.remove(f"{LEDGER}/000000000003-000000000003.jsonl")

    again = await station.open()

    assert again.trouble is not None
    assert texts(again, strict=False) == ["one", "two", "four", "five"]


async def test_a_first_line_without_its_fact_is_a_damaged_ledger(station: Station) -> None:
    await (await station.create()).close()
    station.fs.put(CURRENT, station.fs.read(CURRENT).replace(b'"post":', b'"post";'))

    with pytest.raises(EdgeError) as caught:
        await station.open()

    assert caught.value.code is ErrorCode.LEDGER_CORRUPT


@pytest.mark.fault("Z01", "a ledger of many damaged lines is looked through a few times, not once a line")
async def test_many_damaged_lines_are_looked_through_once(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = await station.with_lines("one", "two", "three")
    await book.close()
    first, *others = station.fs.read(CURRENT).splitlines(keepends=True)
    station.fs.put(CURRENT, first + b"damage\n" * 1000 + b"".join(others))
    looked_at = 0

    def count(raw: bytes) -> Envelope:
        nonlocal looked_at
        looked_at += 1
        return decode_envelope(raw)

    monkeypatch.setattr(recovery, "decode_envelope", count)
    again = await station.open()

    assert texts(again, strict=False) == ["one", "two", "three"]
    assert looked_at < 3000


# --- the disk -----------------------------------------------------------------------------------------


@pytest.mark.fault("K05", "a failed fdatasync is never retried: the ledger is broken until opened anew")
async def test_after_a_failed_sync_nothing_more_is_written(station: Station) -> None:
    book = await station.with_lines("one")
    station.fs.fail("sync_data", errno.EIO)
    before = len(station.fs.calls)

    results = await asyncio.gather(*(book.append(note(str(n))) for n in range(5)), return_exceptions=True)
    with pytest.raises(DiskError):
        await book.append(note("later"))

    assert all(isinstance(result, DiskError) for result in results)
    assert [call for call, _ in station.fs.calls[before:]].count("sync_data") == 1
    assert book.broken is not None
    assert book.size == 2


@pytest.mark.fault("K05", "a daemon started again after a failed sync makes durable what it counts")
async def test_what_a_restart_counts_after_a_failed_sync_is_durable(station: Station) -> None:
    book = await station.with_lines("one")
    station.fs.fail("sync_data", errno.EIO)
    with pytest.raises(DiskError):
        await book.append(note("unsure"))

    again = await station.open()
    counted = texts(again)
    station.fs.power_cut()

    assert texts(await station.open()) == counted


async def test_whoever_waits_for_a_writer_that_ends_is_told_and_counted_once(station: Station) -> None:
    book = await station.create()
    station.fs.fail("write_at", errno.ENOSPC)
    with pytest.raises(DiskError):
        await book.append(note("refused"))
    async with book.exclusive():
        waiting = asyncio.create_task(book.append(note("waits")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert book._writer is not None
        book._writer.cancel()
    with pytest.raises(EdgeError):
        await waiting
    await book.drained()
    assert book._through == book._stated == 2


@pytest.mark.parametrize("skip", [0, 1])
async def test_what_is_written_after_a_closing_that_failed_is_durable(station: Station, skip: int) -> None:
    """Neither of the two names of a closing may have reached the disk."""
    book = await station.with_lines("one")
    station.fs.fail("sync_dir", errno.EIO, skip=skip)
    with pytest.raises(DiskError):
        book.roll()

    again = await station.open()
    await again.append(note("two"))
    station.fs.power_cut()

    assert texts(await station.open()) == ["one", "two"]


async def test_lines_under_the_next_pieces_name_are_the_open_pieces(station: Station) -> None:
    book = await station.with_lines("one")
    assert book.roll()
    await book.append(note("two"))
    station.fs.rename(CURRENT, CURRENT.replace("current", "next"))

    assert texts(await station.open()) == ["one", "two"]


@pytest.mark.fault("K01", "a full disk refuses the fact, and the ledger goes on when there is space")
async def test_a_full_disk_refuses_and_then_goes_on(station: Station) -> None:
    book = await station.with_lines("one")
    station.fs.fail("write_at", errno.ENOSPC, path="current")

    with pytest.raises(DiskError) as caught:
        await book.append(note("no room"))
    await book.append(note("room again"))

    assert caught.value.code is ErrorCode.DISK_FULL
    assert texts(book) == ["one", "room again"]
    station.fs.power_cut()
    assert texts(await station.open()) == ["one", "room again"]


@pytest.mark.fault(
    "K01", "the half of a line that still fitted on the full disk does not stay behind a later line"
)
async def test_half_a_line_on_a_full_disk_does_not_stay() -> None:
    station = Station(fs=MemoryFS(capacity=3000))
    book = await station.create()

    with pytest.raises(DiskError):
        await book.append(note("too long for what is left" * 100))
    await book.append(note("short"))

    assert station.fs.read(CURRENT) == b"".join(line.raw + b"\n" for line in book.lines())
    assert texts(book) == ["short"]


@pytest.mark.fault(
    "T18", "a disk filled to the last byte by others does not stop the ledger: its reserve is its own"
)
async def test_a_disk_that_others_filled_does_not_stop_the_ledger(station: Station) -> None:
    book = await station.create()
    station.fs.capacity = station.fs.used()

    for n in range(1, 2001):
        await book.append(note(f"line {n}"))

    assert len(texts(book)) == 2000
    assert not book.reserve_short


async def test_a_reserve_that_the_disk_does_not_give_is_told() -> None:
    station = Station(fs=MemoryFS(capacity=RESERVE // 2))

    book = await station.create()
    await book.append(note("goes on as long as it can"))

    assert book.reserve_short
    assert book.trouble is None


# --- power -------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "X01", "power cut at every step: each acknowledged line is there after it, in a whole chain"
)
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
async def test_power_may_go_at_every_step(seed: int | None) -> None:
    for step in range(100):
        station = Station()
        rng = random.Random(seed * 1000 + step) if seed is not None else None
        acknowledged = await _shift(station, step)
        if acknowledged is None:
            assert step > 10
            return
        station.fs.power_cut(rng)
        await _require_recovered(station, acknowledged)
    raise AssertionError("the shift never ended")


async def _shift(station: Station, cut_after: int) -> list[str] | None:
    """Write, checkpoint, write; return what was acknowledged, or None if the power never went."""
    book = await station.with_lines("before")
    checkpointer = await station.checkpointer(book)
    acknowledged = ["before"]
    station.fs.cut_after = station.fs.steps + cut_after
    try:
        for part in ("a", "b"):
            station.clock.advance(1)
            await book.append(note(part))
            acknowledged.append(part)
            await checkpointer.checkpoint()
        await book.append(note("c"))
        acknowledged.append("c")
    except PowerCut:
        return acknowledged
    return None


async def _require_recovered(station: Station, acknowledged: list[str]) -> None:
    for _ in range(2):  # the second start finds nothing more to do
        book = await station.open()
        checkpointer = await station.checkpointer(book)
        assert book.trouble is None
        assert texts(book)[: len(acknowledged)] == acknowledged
        assert len(texts(book)) <= len(acknowledged) + 1
        assert checkpointer.signed <= book.size
        await book.close()
    book = await station.open()
    await book.append(note("end"))
    checkpointer = await station.checkpointer(book)
    assert await checkpointer.checkpoint() is not None
    assert texts(book)[-1] == "end"


@pytest.mark.fault("X02", "power cut at every step of the recovery itself: the next start recovers the same")
async def test_power_may_go_at_every_step_of_the_recovery() -> None:
    for step in range(60):
        station = Station()
        book = await station.with_lines("one", "two")
        await book.close()
        station.fs.put(CURRENT, station.fs.read(CURRENT) + b'{"v":1,"seq":3,"pr')
        station.fs.cut_after = station.fs.steps + step
        try:
            await station.open()
        except PowerCut:
            station.fs.power_cut(random.Random(step))
            again = await station.open()
            assert texts(again) == ["one", "two"]
            assert again.trouble is None
            counted = list(again.lines())
            station.fs.power_cut()
            station.clock.advance(1)
            assert list((await station.open()).lines()) == counted
        else:
            assert step > 5
            return
    raise AssertionError("the recovery never ended")
