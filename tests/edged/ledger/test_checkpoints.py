"""Signing, closing pieces, and what the centre countersigned."""

import asyncio
import errno
import gc

import pytest

from edged.errors import DiskError, EdgeError, ErrorCode
from edged.formats.checkpoint import Checkpoint, countersign, open_checkpoint, sign_checkpoint
from edged.ledger.checkpoints import Pace
from edged.ledger.pieces import note_name
from tests.edged.ledger.station import (
    CENTRE,
    COUNTERSIGNED,
    LEDGER,
    STATION,
    STRANGER,
    Station,
    note,
    texts,
)
from tests.patience import PATIENCE_S


@pytest.fixture
def station() -> Station:
    return Station()


def names(station: Station, folder: str = LEDGER) -> list[str]:
    return [name for name in station.fs.list_dir(folder) if name.endswith((".jsonl", ".note"))]


async def test_a_checkpoint_covers_all_lines_and_closes_the_piece(station: Station) -> None:
    book = await station.with_lines("one", "two")
    checkpointer = await station.checkpointer(book)

    signed = await checkpointer.checkpoint()
    await book.append(note("three"))

    data = station.fs.read(f"{LEDGER}/checkpoints/{note_name(3)}")
    assert signed == open_checkpoint(data, STATION.verifier)
    assert signed == Checkpoint("edged/yahodyn-1", 3, book.root_at(3))
    assert names(station) == ["000000000000-000000000002.jsonl", "current.jsonl"]
    assert texts(book) == ["one", "two", "three"]
    assert await checkpointer.checkpoint() != signed


async def test_nothing_new_is_not_signed_again(station: Station) -> None:
    checkpointer = await station.checkpointer(await station.with_lines("one"))

    assert await checkpointer.checkpoint() is not None
    assert await checkpointer.checkpoint() is None


async def test_a_checkpoint_is_due_after_so_many_lines(station: Station) -> None:
    book = await station.create()
    checkpointer = await station.checkpointer(book, pace=Pace(lines=5, seconds=3600))
    due = asyncio.Event()
    checkpointer.subscribe(lambda _: due.set())
    task = asyncio.create_task(checkpointer.run())

    for n in range(4):
        await book.append(note(str(n)))
    async with asyncio.timeout(PATIENCE_S):
        await due.wait()
    task.cancel()

    assert checkpointer.signed == 5


async def test_a_checkpoint_is_due_some_time_after_the_first_new_line(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book, pace=Pace(lines=1000, seconds=0.01))

    due = asyncio.Event()
    checkpointer.subscribe(lambda _: due.set())
    task = asyncio.create_task(checkpointer.run())
    async with asyncio.timeout(PATIENCE_S):
        await due.wait()
    task.cancel()

    assert checkpointer.signed == 2


async def test_reading_goes_on_while_pieces_are_closed(station: Station) -> None:
    book = await station.with_lines("one", "two")
    checkpointer = await station.checkpointer(book)
    lines = book.lines()
    first = next(lines)

    await checkpointer.checkpoint()
    await book.append(note("three"))
    await checkpointer.checkpoint()

    assert [first.seq, *(line.seq for line in lines)] == [0, 1, 2]


@pytest.mark.fault(
    "L09", "without a usable signing key lines are chained, nothing is signed, nothing is covered"
)
async def test_without_a_key_lines_are_chained_and_nothing_is_signed(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book, signer=None)

    with pytest.raises(EdgeError) as caught:
        await checkpointer.checkpoint()
    await book.append(note("two"))

    assert caught.value.code is ErrorCode.KEY_UNUSABLE
    assert texts(book) == ["one", "two"]
    assert not checkpointer.covered(0)


async def test_a_full_disk_postpones_the_checkpoint_and_leaves_the_ledger_whole(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    station.fs.fail("write_at", errno.ENOSPC, path=".note")

    with pytest.raises(DiskError):
        await checkpointer.checkpoint()
    await book.append(note("two"))

    assert (await checkpointer.checkpoint()) == Checkpoint("edged/yahodyn-1", 3, book.root_at(3))
    assert texts(book) == ["one", "two"]


async def test_a_checkpoint_that_fails_after_its_caller_has_gone_is_no_defect(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    station.fs.fail("write_at", errno.ENOSPC, path=".note")
    heard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

    signing = asyncio.create_task(checkpointer.checkpoint())
    await asyncio.sleep(0)
    signing.cancel()
    await asyncio.wait({signing, *(task for task in asyncio.all_tasks() if task.get_name() == "checkpoint")})
    gc.collect()

    assert signing.cancelled()
    assert not heard


async def test_a_disk_too_full_for_a_new_piece_makes_the_piece_longer(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    station.fs.fail("create", errno.ENOSPC, path="next.jsonl")

    await checkpointer.checkpoint()
    await book.append(note("two"))
    await checkpointer.checkpoint()

    assert names(station) == ["000000000000-000000000002.jsonl", "current.jsonl"]
    assert names(station, f"{LEDGER}/checkpoints") == [note_name(2), note_name(3)]


# --- what must never be signed --------------------------------------------------------------------------


@pytest.mark.fault("L04", "a ledger shorter than its own checkpoint: nothing signed, writing goes on")
@pytest.mark.fault("T4", "a ledger rolled back behind its checkpoint is found at the next start")
async def test_a_ledger_behind_its_checkpoint_is_found_and_not_signed(station: Station) -> None:
    book = await station.with_lines("one", "two")
    shorter = b"".join(line.raw + b"\n" for line in book.lines(0, 1))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(3))
    await book.close()
    station.fs.remove(f"{LEDGER}/000000000000-000000000002.jsonl")
    station.fs.put(f"{LEDGER}/current.jsonl", shorter)

    again = await station.open()
    checkpointer = await station.checkpointer(again)

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_BEHIND
    await again.append(note("goes on"))
    assert texts(again) == ["one", "goes on"]
    with pytest.raises(EdgeError) as caught:
        await checkpointer.checkpoint()
    assert caught.value.code is ErrorCode.LEDGER_BEHIND
    assert not checkpointer.covered(0)


@pytest.mark.fault(
    "T1", "a rewritten ledger whose chain is whole again differs from the checkpoint and is not signed"
)
async def test_a_rewritten_ledger_is_not_signed(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await book.close()
    other = Station()
    forged = await other.with_lines("won")
    content = b"".join(line.raw + b"\n" for line in forged.lines())
    station.fs.put(f"{LEDGER}/000000000000-000000000001.jsonl", content)

    again = await station.open()

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_CORRUPT
    with pytest.raises(EdgeError):
        await (await station.checkpointer(again)).checkpoint()


async def test_an_own_checkpoint_by_another_key_is_trouble(station: Station) -> None:
    book = await station.with_lines("one")
    await book.close()
    forged = sign_checkpoint(Checkpoint(STRANGER.name, 1, bytes(32)), STRANGER)
    station.fs.put(f"{LEDGER}/checkpoints/{note_name(1)}", forged)

    again = await station.open()

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_CORRUPT


# --- countersignatures (gate G5) --------------------------------------------------------------------------


async def test_countersigned_lines_are_covered_and_later_ones_are_not(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    assert not checkpointer.covered(0)

    await checkpointer.accept_countersigned(station.countersigned(2))
    await book.append(note("two"))

    assert [checkpointer.covered(seq) for seq in range(3)] == [True, True, False]
    station.fs.power_cut()
    again = await station.checkpointer(await station.open())
    assert [again.covered(seq) for seq in range(3)] == [True, True, False]


async def test_only_the_newest_countersigned_checkpoint_is_kept(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await book.append(note("two"))
    await checkpointer.checkpoint()

    told: list[int] = []
    checkpointer.subscribe_countersigned(lambda found: told.append(found.size))
    for size in (2, 3, 2):
        await checkpointer.accept_countersigned(station.countersigned(size))

    assert checkpointer.countersigned == 3
    assert told == [2, 3]
    assert names(station, COUNTERSIGNED) == [note_name(3)]


async def test_a_countersignature_whose_name_is_not_durable_does_not_count(station: Station) -> None:
    """Killed, not cut off from the mains: the next life sees a name that the disk never had."""
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    station.fs.fail("sync_dir", errno.EIO, path=COUNTERSIGNED)
    with pytest.raises(EdgeError):
        await checkpointer.accept_countersigned(station.countersigned(2))
    assert not checkpointer.covered(0)
    assert names(station, COUNTERSIGNED) == []

    file = station.fs.create(f"{COUNTERSIGNED}/{note_name(2)}")
    file.write_at(0, station.countersigned(2))
    file.sync()
    assert (await station.checkpointer(await station.open())).covered(0)

    station.fs.power_cut()
    assert (await station.checkpointer(await station.open())).covered(0)


async def test_a_countersignature_counts_only_in_a_folder_whose_own_name_is_durable(station: Station) -> None:
    """The folder was made, and then the disk refused to make its name durable."""
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    station.fs.fail("sync_dir", errno.EDQUOT)
    with pytest.raises(EdgeError):
        await checkpointer.accept_countersigned(station.countersigned(2))
    assert names(station, COUNTERSIGNED) == []

    await checkpointer.accept_countersigned(station.countersigned(2))

    assert checkpointer.covered(0)
    station.fs.power_cut()
    assert (await station.checkpointer(await station.open())).covered(0)


async def test_a_folder_of_countersignatures_that_an_earlier_life_has_left_in_memory_only(
    station: Station,
) -> None:
    book = await station.with_lines("one")
    await (await station.checkpointer(book)).checkpoint()
    station.fs.fail("sync_dir", errno.EIO)
    with pytest.raises(OSError, match=COUNTERSIGNED.rpartition("/")[0]):
        station.fs.make_dirs(COUNTERSIGNED)
    file = station.fs.create(f"{COUNTERSIGNED}/{note_name(2)}")
    file.write_at(0, station.countersigned(2))
    file.sync()
    assert (await station.checkpointer(await station.open())).covered(0)

    station.fs.power_cut()
    assert (await station.checkpointer(await station.open())).covered(0)


async def test_a_countersignature_that_cannot_be_made_durable_does_not_count(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(2))
    station.fs.fail("sync_dir", errno.EIO, path=COUNTERSIGNED)

    again = await station.checkpointer(await station.open())

    assert not again.covered(0)
    assert again.trouble is not None


@pytest.mark.parametrize("forge", ["no centre", "other centre", "cut", "noise"])
async def test_a_countersignature_that_is_not_genuine_does_not_count(station: Station, forge: str) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    own, good = station.fs.read(f"{LEDGER}/checkpoints/{note_name(2)}"), station.countersigned(2)
    data = {
        "no centre": own,
        "other centre": countersign(own, STATION.verifier, STRANGER),
        "cut": good[:-20],
        "noise": bytes(100),
    }[forge]

    with pytest.raises(EdgeError) as caught:
        await checkpointer.accept_countersigned(data)

    assert caught.value.code is ErrorCode.COUNTERSIGN_BAD
    assert not checkpointer.covered(0)
    assert book.trouble is None


@pytest.mark.fault(
    "L04", "the centre holds a longer ledger under our own signature: trouble, and nothing is covered"
)
async def test_a_centre_that_holds_more_than_we_do_shows_a_rollback(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    ahead = sign_checkpoint(Checkpoint(STATION.name, 99, bytes(32)), STATION)

    with pytest.raises(EdgeError) as caught:
        await checkpointer.accept_countersigned(countersign(ahead, STATION.verifier, CENTRE))

    assert caught.value.code is ErrorCode.LEDGER_BEHIND
    assert book.trouble is caught.value


@pytest.mark.fault("L05", "the centre holds another history of the same length: trouble, both heads stay")
async def test_a_centre_that_holds_another_history_shows_a_fork(station: Station) -> None:
    book = await station.with_lines("one")
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(2))
    assert checkpointer.covered(0)
    before = station.fs.files()
    fork = sign_checkpoint(Checkpoint(STATION.name, 2, bytes(32)), STATION)

    with pytest.raises(EdgeError) as caught:
        await checkpointer.accept_countersigned(countersign(fork, STATION.verifier, CENTRE))

    assert caught.value.code is ErrorCode.LEDGER_CORRUPT
    assert book.trouble is caught.value
    assert not checkpointer.covered(0)
    assert station.fs.files() == before


async def test_a_rolled_back_ledger_is_found_by_the_countersigned_checkpoint_alone(station: Station) -> None:
    book = await station.with_lines("one", "two")
    shorter = b"".join(line.raw + b"\n" for line in book.lines(0, 1))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(3))
    await book.close()
    for name in ("000000000000-000000000002.jsonl", f"checkpoints/{note_name(3)}"):
        station.fs.remove(f"{LEDGER}/{name}")
    station.fs.put(f"{LEDGER}/current.jsonl", shorter)

    again = await station.open()
    await station.checkpointer(again)

    assert again.trouble is not None
    assert again.trouble.code is ErrorCode.LEDGER_BEHIND
