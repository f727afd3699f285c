"""Somebody with root: what he edits, deletes, cuts back or puts in another's place is found, and clears nothing."""

import pytest

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.ledger.report import Kind, Report
from edged.ledger.verify import verify_ledger
from edged.slots.state import State
from edged.station_state import Recording
from tests.fakes.memory_fs import MemoryFS
from tests.world.loop import story
from tests.world.world import CENTRE, STATE, STATION, STATION_KEY, VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(20_000))
LEDGER = f"{STATE}/ledger"


async def delivered(world: World, name: str = "K000001", slot: int = 1) -> Recording:
    """One film, sealed, confirmed by the centre and cleared from its camera."""
    world.add(name, {"CLIP0001.MP4": FILM})
    world.insert(name, slot)
    await world.until_cleared(name)
    await world.until(lambda: world.station.checkpoints.countersigned == world.station.book.size, 30)
    return world.recordings(name)[0]


async def sealed(world: World, name: str, slot: int) -> Recording:
    """One film in the vault and on its camera; the centre does not know of it."""
    world.centre.open = False
    world.add(name, {"CLIP0001.MP4": FILM + name.encode()})
    world.insert(name, slot)
    await world.until_slot(slot, State.READY)
    return world.recordings(name)[0]


def content(recording: Recording) -> str:
    return f"{VAULT}/recordings/{recording.folder}/{recording.id}/{recording.file}"


def wipe(fs: MemoryFS, folder: str) -> None:
    for path in fs.files(folder):
        fs.remove(path)
        fs.sync_dir(path.rpartition("/")[0])


def restore(fs: MemoryFS, folder: str, earlier: dict[str, bytes]) -> None:
    """The disk is one of an earlier day."""
    wipe(fs, folder)
    for path, data in earlier.items():
        fs.put(path, data)


def verified(world: World, fs: MemoryFS, ledger: str, vault: str) -> Report:
    return verify_ledger(fs, ledger, station=STATION_KEY.verifier, centre=CENTRE.verifier, vault=vault)


# --- evidence and ledger ------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-II.5-audit", "an edited recording and an edited line of the log are found at the next start"
)
@pytest.mark.fault(
    "O01", "what root edits shows in any check, an edited ledger ends clearing, the centre has it whole"
)
@story
async def test_root_edits_a_recording_and_the_line_about_it() -> None:
    async with World.open() as world:
        world.defects_expected = True
        kept = await delivered(world)
        await world.stop()
        world.fs.put(content(kept), FILM.replace(b"\1", b"\2"))
        for path, data in world.fs.files(LEDGER).items():
            if b'"type":"recording.sealed"' in data:
                world.fs.put(path, data.replace(b'"camera":"K000001"', b'"camera":"K000002"'))
        await world.boot()
        await world.until(lambda: "ledger-trouble" in world.alerts(), 10)
        world.add("K000003", {"CLIP0001.MP4": FILM})
        world.insert("K000003", 2)
        await world.until_slot(2, State.READY)
        await world.passes(300)
        assert world.aboard("K000003") == ["CLIP0001.MP4"]  # copied, and nothing is cleared on such a ledger
        incidents = world.station.recorder.state.shift.incidents.values()
        assert [incident.kind for incident in incidents].count("ledger") == 1
        kinds = {finding.kind for finding in verified(world, world.fs, LEDGER, VAULT).findings}
        assert {Kind.CHAIN_BROKEN, Kind.RECORDING_DIFFERS} <= kinds
        store = f"/store/{STATION}"
        assert not verified(world, world.centre.fs, f"{store}/ledger", store).findings
        assert world.centre.fs.read(f"{store}/{content(kept).removeprefix(f'{VAULT}/')}") == FILM


@pytest.mark.clause(
    "459-IV.7-no-tampering", "a recording that is missing or cut off in the vault is noticed within a minute"
)
@pytest.mark.fault(
    "O01", "a recording that root deletes or cuts off is missed within a minute, and copied again"
)
@pytest.mark.parametrize("left", [None, FILM[:5000]], ids=["deleted", "cut off"])
@story
async def test_root_deletes_a_recording(left: bytes | None) -> None:
    async with World.open() as world:
        world.defects_expected = True
        gone = await sealed(world, "K000001", 1)
        world.fs.remove(content(gone))
        if left is not None:
            world.fs.put(content(gone), left)
        await world.until(lambda: world.facts(f.RecordingCorrupted), 70)
        assert f"recording-damaged:{gone.id[:8]}" in world.alerts()
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2, 700)  # its camera has it still
        assert len(world.facts(f.RecordingCorrupted)) == 1
        assert not world.alerts()


@pytest.mark.fault(
    "O02", "a ledger cut back with all its checkpoints, then the plug: the centre's signature shows it"
)
@pytest.mark.fault("T7", "after the tail was cut and the plug pulled nothing is cleared and nothing signed")
@story
async def test_root_cuts_the_ledger_and_pulls_the_plug() -> None:
    async with World.open() as world:
        world.defects_expected = True
        await delivered(world)
        earlier = world.fs.files(STATE)
        await delivered(world, "K000002", 2)
        signed = world.station.checkpoints.countersigned
        await world.crash()
        restore(world.fs, STATE, earlier)
        await world.boot()
        await world.until(lambda: "ledger-trouble" in world.alerts(), 30)
        alert = world.station.recorder.state.alerts["ledger-trouble"]
        assert alert.code == ErrorCode.LEDGER_BEHIND.number
        assert alert.detail["countersigned"] == signed
        own = world.station.checkpoints.signed
        world.record("K000002", "CLIP0002.MP4", FILM[8:])
        world.tear_out(2)
        await world.passes(10)
        world.insert("K000002", 2)
        await world.passes(300)
        assert world.aboard("K000002") == ["CLIP0002.MP4"]
        assert world.station.checkpoints.signed == own


# --- disks --------------------------------------------------------------------------------------------


@pytest.mark.fault("O07", "a disk that was put in another's place is no vault and no state of this station")
@pytest.mark.parametrize(
    ("folder", "marker", "code"),
    [
        (VAULT, None, ErrorCode.VAULT_UNFIT),
        (VAULT, b'{"type":"edged/vault/v1","vault":"00","station":"post-8"}', ErrorCode.VAULT_UNFIT),
        (STATE, None, ErrorCode.LEDGER_MISSING),
    ],
    ids=["empty vault", "another station's vault", "empty state"],
)
@story
async def test_a_technician_puts_in_another_disk(folder: str, marker: bytes | None, code: ErrorCode) -> None:
    async with World.open() as world:
        await delivered(world)
        await world.stop()
        ours = world.fs.files(folder)
        wipe(world.fs, folder)
        if marker is not None:
            world.fs.put(f"{VAULT}/vault.json", marker)
        before = world.fs.files(folder)
        with pytest.raises(EdgeError) as caught:
            await world.boot()
        assert caught.value.code is code
        assert world.fs.files(folder) == before
        restore(world.fs, folder, ours)
        await world.boot()
        await world.until_slot(1, State.READY)


@pytest.mark.fault(
    "O07", "an older copy of the vault's disk is missed what came since; it is copied again where it can be"
)
@story
async def test_a_technician_puts_in_an_older_copy_of_the_disk() -> None:
    async with World.open() as world:
        world.defects_expected = True
        await delivered(world)
        earlier = world.fs.files(VAULT)
        lost = await sealed(world, "K000002", 2)
        await world.stop()
        restore(world.fs, VAULT, earlier)
        await world.boot()
        await world.until(lambda: world.facts(f.RecordingCorrupted), 10)
        assert [fact.recording for fact in world.facts(f.RecordingCorrupted)] == [lost.id]
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 3, 700)
        world.centre.open = True
        await world.until_cleared("K000002")


@story
async def test_a_vault_that_is_taken_away_in_the_running_has_lost_nothing() -> None:
    async with World.open() as world:
        await sealed(world, "K000001", 1)
        there = world.fs.files(VAULT)
        wipe(world.fs, VAULT)
        await world.until(lambda: "vault-away" in world.alerts(), 70)
        await world.passes(300)
        restore(world.fs, VAULT, there)
        await world.until(lambda: not world.alerts(), 70)
        assert not world.facts(f.RecordingCorrupted)
        world.centre.open = True
        await world.until_cleared("K000001")
