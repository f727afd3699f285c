"""What comes from the centre is believed after it is verified: receipts, refusals, countersignatures."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.checkpoint import Checkpoint, countersign, open_checkpoint, sign_checkpoint
from edged.formats.fields import ServerLevel
from edged.formats.manifest import open_manifest
from edged.formats.note import Signer
from edged.formats.receipt import Receipt, Refusal, receipt_for, sign_receipt
from edged.formats.reference import Reference, open_reference, sign_reference
from edged.formats.signed import sign_document
from edged.slots.state import State
from edged.station_state import Life
from tests.world.loop import story
from tests.world.persons import at
from tests.world.world import CENTRE, INBOX, STATE, STATION, STATION_KEY, VAULT, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

FILM = b"".join(n.to_bytes(8, "big") for n in range(50_000))
STRANGER = Signer.from_seed("centre-1", b"x" * 32)  # the centre's name, another key


@dataclass(frozen=True)
class Sealed:
    id: str
    receipt: Receipt
    manifest_sha256: str


async def sealed(world: World) -> Sealed:
    """A recording in the vault and no word from the centre."""
    world.centre.open = False
    world.add("K000001", {"CLIP0001.MP4": FILM})
    world.insert("K000001", 1)
    await world.until(lambda: world.facts(f.RecordingSealed))
    await world.until_slot(1, State.READY)
    ((path, note),) = [
        (p, d) for p, d in world.fs.files(f"{VAULT}/recordings").items() if p.endswith("manifest.note")
    ]
    manifest = open_manifest(note, STATION_KEY.verifier)
    receipt = receipt_for(manifest, server="centre-1", server_level="local", placed_at=at(0.1))
    return Sealed(path.split("/")[-2], receipt, sha256(note).hexdigest())


def left(world: World, name: str, data: bytes) -> None:
    world.fs.put(f"{INBOX}/receipts/{name}", data)


def requested(world: World, recording: str, **changes: Any) -> bytes:
    """What the centre leaves so that a recording is referred to a case."""
    reference = Reference(
        station=STATION,
        recording=recording,
        code="UA123456",
        number=17,
        year=2026,
        person="слідчий Іваненко І. І.",
        asked_at=at(0.2),
    )
    return sign_reference(msgspec.structs.replace(reference, **changes), CENTRE)


@pytest.mark.clause(
    "scan-annex1",
    "a signed request of the server refers a recording to a case once; its bytes stay as they were",
)
@story
async def test_the_centre_refers_a_recording_to_a_case() -> None:
    async with World.open() as world:
        one = await sealed(world)
        content = world.fs.files(f"{VAULT}/recordings")
        data = requested(world, one.id)
        left(world, f"{one.id}.reference.note", data)
        await world.until(lambda: world.facts(sf.RecordingReferenced), 60)
        await world.passes(200)
        left(world, f"{one.id}.reference.note", requested(world, one.id, number=18))
        await world.passes(200)
        (fact,) = world.facts(sf.RecordingReferenced)
        assert (fact.code, fact.number, fact.year) == ("UA123456", 17, 2026)
        assert (fact.asked_by, fact.request_sha256) == ("слідчий Іваненко І. І.", sha256(data).hexdigest())
        assert world.fs.files(f"{VAULT}/recordings") == content
        assert not [alert for alert in world.alerts() if alert.startswith("reference-bad")]


BAD_REQUESTS: dict[str, Callable[[World, str], bytes]] = {
    "another key": lambda w, r: sign_document(open_reference(requested(w, r), CENTRE.verifier), STRANGER),
    "another station": lambda w, r: requested(w, r, station="post-8"),
    "another recording": lambda w, r: requested(w, "f" * 32),
    "noise": lambda w, r: bytes(range(256)),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
@story
async def test_a_request_that_does_not_hold_is_told_and_a_true_one_in_its_place_counts(kind: str) -> None:
    async with World.open() as world:
        one = await sealed(world)
        left(world, f"{one.id}.reference.note", BAD_REQUESTS[kind](world, one.id))
        left(world, f"{'e' * 32}.reference.note", b"of a recording that nobody knows")
        alert = f"reference-bad:{one.id[:8]}"
        await world.until(lambda: alert in world.alerts(), 60)
        await world.passes(300)
        assert not world.facts(sf.RecordingReferenced)
        assert alert in world.alerts()
        left(world, f"{one.id}.reference.note", requested(world, one.id))
        await world.until(lambda: alert not in world.alerts(), 300)
        assert world.facts(sf.RecordingReferenced)


FORGED: dict[str, Callable[[Receipt], bytes]] = {
    "another key": lambda r: sign_receipt(r, STRANGER),
    "another size": lambda r: sign_receipt(msgspec.structs.replace(r, size=r.size + 1), CENTRE),
    "another hash": lambda r: sign_receipt(msgspec.structs.replace(r, sha256="0" * 64), CENTRE),
    "another recording": lambda r: sign_receipt(msgspec.structs.replace(r, recording="f" * 32), CENTRE),
    "another station": lambda r: sign_receipt(msgspec.structs.replace(r, station="post-8"), CENTRE),
    "another line of the ledger": lambda r: sign_receipt(
        msgspec.structs.replace(r, ledger_seq=r.ledger_seq + 1), CENTRE
    ),
    "not signed": lambda r: msgspec.json.encode(r) + b"\n",
    "cut off": lambda r: sign_receipt(r, CENTRE)[:-20],
    "empty": lambda r: b"",
    "noise": lambda r: bytes(range(256)) * 20,
    "a gigabyte, nearly": lambda r: b"{" * 200_000,
}


@pytest.mark.fault(
    "V05", "a receipt for another size, hash, station or line confirms nothing and is told once"
)
@pytest.mark.fault("V06", "a receipt by a key that is not the centre's confirms nothing")
@pytest.mark.fault("T19", "a forged receipt clears nothing")
@pytest.mark.parametrize("kind", FORGED)
@story
async def test_a_receipt_that_does_not_hold(kind: str) -> None:
    async with World.open() as world:
        one = await sealed(world)
        left(world, f"{one.id}.note", FORGED[kind](one.receipt))
        await world.passes(400)
        assert world.recordings()[0].life is Life.SEALED
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert "receipt-bad" in world.alerts()
        assert len(world.facts(f.ReceiptRefused)) == 1  # told once, not at each look
        world.centre.open = True  # the true one comes
        await world.until_cleared("K000001", within_s=600)
        assert "receipt-bad" not in world.alerts()


@pytest.mark.clause(
    "459-I.3-complex",
    "a receipt counts from a server of either level, and which one it was stands in the ledger",
)
@pytest.mark.parametrize("level", ["local", "central"])
@story
async def test_a_server_of_either_level_takes_recordings(level: ServerLevel) -> None:
    async with World.open() as world:
        one = await sealed(world)
        left(
            world,
            f"{one.id}.note",
            sign_receipt(msgspec.structs.replace(one.receipt, server_level=level), CENTRE),
        )
        await world.until(lambda: world.facts(f.RecordingConfirmed), 60)
        (fact,) = world.facts(f.RecordingConfirmed)
        assert (fact.server, fact.server_level) == ("centre-1", level)


def receipt_place(world: World, one: Sealed) -> str:
    manifests = [path for path in world.fs.files(f"{VAULT}/recordings") if f"/{one.id}/manifest.note" in path]
    return manifests[0].replace("manifest.note", "receipt.note")


@pytest.mark.fault(
    "V08", "a receipt that was filed before a power cut counts after it, also without the courier's copy"
)
@story
async def test_a_receipt_that_was_filed_and_whose_line_the_power_took() -> None:
    async with World.open() as world:
        one = await sealed(world)
        world.fs.put(receipt_place(world, one), sign_receipt(one.receipt, CENTRE))
        await world.crash()
        await world.boot()
        await world.until(lambda: world.recordings()[0].life is not Life.SEALED)
        assert [x.recording for x in world.facts(f.RecordingConfirmed)] == [one.id]
        await world.passes(400)
        assert len(world.facts(f.RecordingConfirmed)) == 1


@story
async def test_a_forged_receipt_in_the_vault_counts_for_nothing_and_is_told_once() -> None:
    async with World.open() as world:
        one = await sealed(world)
        world.fs.put(receipt_place(world, one), sign_receipt(one.receipt, STRANGER))
        await world.crash()
        await world.boot()
        await world.until(lambda: "receipt-bad" in world.alerts())
        await world.passes(400)
        assert world.recordings()[0].life is Life.SEALED
        assert len(world.facts(f.ReceiptRefused)) == 1


@story
async def test_garbage_in_the_inbox_disturbs_nobody() -> None:
    async with World.open() as world:
        one = await sealed(world)
        for name in ("x" * 200, "..note", "checkpoints/99999999999999999999.note", "checkpoints/-1.note"):
            left(world, name, b"\x00" * 70_000)
        left(world, f"{'e' * 32}.note", sign_receipt(one.receipt, CENTRE))  # of a recording nobody knows
        left(world, f"{one.id}.note.tmp", b"x")
        world.centre.open = True
        await world.until_cleared("K000001", within_s=600)


@pytest.mark.fault("V09", "what the centre refuses for good is held: never cleared, and a person is told")
@story
async def test_a_recording_that_the_centre_refuses() -> None:
    async with World.open() as world:
        one = await sealed(world)
        refusal = Refusal(
            station=one.receipt.station,
            recording=one.id,
            manifest_sha256=one.manifest_sha256,
            server="centre-1",
            refused_at=at(0.1),
            reason="не приймаємо",
        )
        left(world, f"{one.id}.refused.note", sign_receipt(refusal, CENTRE))
        await world.until(lambda: world.facts(f.RecordingHeld))
        await world.until(lambda: f"recording-held:{one.id[:8]}" in world.alerts())
        await world.passes(400)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        world.add("K000002", {"CLIP0001.MP4": FILM})
        world.centre.open = True
        world.insert("K000002", 2)
        await world.until_cleared("K000002")  # no other waits for it
        assert world.aboard("K000001") == ["CLIP0001.MP4"]


def newest_checkpoint(world: World) -> bytes:
    notes = {p: d for p, d in world.fs.files(f"{STATE}/ledger/checkpoints").items() if p.endswith(".note")}
    return notes[max(notes)]


@pytest.mark.fault(
    "L04", "a centre that has seen more of this ledger than there is: clearing stops, copying goes on"
)
@story
async def test_the_centre_has_seen_a_longer_ledger() -> None:
    async with World.open() as world:
        world.defects_expected = True  # the verifier finds the rollback as well
        await sealed(world)
        size = world.station.book.size + 50
        ahead = sign_checkpoint(Checkpoint(STATION_KEY.name, size, b"r" * 32), STATION_KEY)
        left(world, f"checkpoints/{size:012}.note", countersign(ahead, STATION_KEY.verifier, CENTRE))
        await world.until(lambda: "ledger-trouble" in world.alerts(), 30)
        await clearing_stops_and_copying_goes_on(world)


@pytest.mark.fault(
    "L05", "a centre that holds another history under our own key: clearing stops, copying goes on"
)
@story
async def test_the_centre_holds_another_history() -> None:
    async with World.open() as world:
        world.defects_expected = True
        await sealed(world)
        await world.passes(10)
        size = open_checkpoint(newest_checkpoint(world), STATION_KEY.verifier).size
        fork = sign_checkpoint(Checkpoint(STATION_KEY.name, size, b"r" * 32), STATION_KEY)
        left(world, f"checkpoints/{size:012}.note", countersign(fork, STATION_KEY.verifier, CENTRE))
        await world.until(lambda: "ledger-trouble" in world.alerts(), 30)
        await clearing_stops_and_copying_goes_on(world)


async def clearing_stops_and_copying_goes_on(world: World) -> None:
    world.centre.open = True
    world.add("K000002", {"CLIP0001.MP4": FILM[::-1]})
    world.insert("K000002", 2)
    await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2)
    await world.passes(600)
    assert not world.facts(f.ClearStarted)
    assert world.aboard("K000001") == world.aboard("K000002") == ["CLIP0001.MP4"]


@story
async def test_a_forged_countersignature_covers_nothing() -> None:
    async with World.open() as world:
        await sealed(world)
        await world.passes(10)
        note = newest_checkpoint(world)
        size = open_checkpoint(note, STATION_KEY.verifier).size
        left(world, f"checkpoints/{size:012}.note", countersign(note, STATION_KEY.verifier, STRANGER))
        await world.until(lambda: "countersignature-bad" in world.alerts(), 30)
        assert world.station.checkpoints.countersigned == 0
        world.centre.open = True
        await world.until_cleared("K000001", within_s=600)
        assert "countersignature-bad" not in world.alerts()


@pytest.mark.fault("V02", "a centre that takes everything and answers nothing: nothing is ever cleared")
@story
async def test_a_centre_that_never_answers() -> None:
    async with World.open() as world:
        await sealed(world)
        await world.passes(3600)
        assert world.aboard("K000001") == ["CLIP0001.MP4"]
        assert not world.facts(f.ClearStarted)
