"""A station's signing key is followed by another one: who orders it, and that custody and delivery go on."""

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.checkpoint import origin_of
from edged.formats.note import Signer
from edged.ledger.book import Book
from edged.ledger.rekeying import change_key
from edged.ledger.verify import verify_ledger
from edged.slots.state import State
from tests.world.loop import story
from tests.world.world import CENTRE, STATE, STATION, STATION_KEY, VAULT, World

pytestmark = pytest.mark.slow

NEXT = Signer.from_seed(origin_of(STATION), b"n" * 32)
ORDER = {"number": "31", "date": "2026-11-20", "reason": "The host was repaired elsewhere"}
CLIP = b"a film " * 3000


async def rekeyed(world: World) -> None:
    """What `edgectl station rekey` does with the ledger while the station is stopped."""
    await world.crash()
    book = await Book.open(world.fs, f"{STATE}/ledger", world.clock)
    await change_key(book, world.fs, STATE, STATION_KEY, NEXT, "account:root")
    await book.close()
    world.signer = NEXT
    await world.boot()


@story
async def test_the_account_administrator_orders_it_and_nobody_else() -> None:
    async with World.open() as world:
        for account in ("iryna", "taras", "maksym"):
            with pytest.raises(EdgeError) as refused:
                await world.ask(account, "key rotate", **ORDER)
            assert refused.value.code is ErrorCode.NOT_ALLOWED
        await world.ask("daria", "key rotate", **ORDER)
        assert (await world.ask("taras", "status"))["key_change"]
        with pytest.raises(EdgeError) as refused:
            await world.ask("daria", "key rotate", **ORDER)
        assert refused.value.code is ErrorCode.CONFLICT
        assert len(world.facts(sf.KeyChangeOrdered)) == 1


@story
async def test_what_was_sealed_before_and_what_comes_after_is_delivered_and_cleared() -> None:
    async with World.open() as world:
        world.centre.open = False
        world.add("K000001", {"CLIP0001.MP4": CLIP})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed))
        await world.until_slot(1, State.READY)
        await world.ask("daria", "key rotate", **ORDER)
        await rekeyed(world)
        assert not (await world.ask("taras", "status"))["key_change"]
        world.add("K000002", {"CLIP0001.MP4": CLIP[::-1]})
        world.insert("K000002", 2)
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2)
        world.centre.open = True
        for name in ("K000001", "K000002"):
            await world.until_cleared(name)
        assert len(world.facts(f.RecordingConfirmed)) == 2
        for key in (STATION_KEY, NEXT):
            report = verify_ledger(
                world.fs,
                f"{STATE}/ledger",
                station=key.verifier,
                centre=CENTRE.verifier,
                countersigned=f"{STATE}/countersigned",
                vault=VAULT,
            )
            assert report.good, report.findings
            assert report.countersigned > 0


@story
async def test_a_copy_of_an_older_recording_names_the_key_that_signed_it_and_the_present_one() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": CLIP})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingConfirmed))
        await world.ask("daria", "key rotate", **ORDER)
        await rekeyed(world)
        (sealed,) = world.facts(f.RecordingSealed)
        await world.passes(300)
        made = await world.ask("iryna", "extract", recording=sealed.recording)
        assert made["keys"] == [str(key) for key in (STATION_KEY.verifier, NEXT.verifier, CENTRE.verifier)]
