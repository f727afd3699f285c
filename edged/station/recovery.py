"""What a start has to put right before anything moves: outcomes for intents, manifests for seals, litter.

Idempotent: a cut in the middle of it is repaired by the next start in the same way.
"""

import asyncio

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.ledger.book import Book
from edged.station.offload import Tools, settle_unfinished, write_manifest
from edged.station_state import Life, Recording, StationState


def fold(book: Book) -> StationState:
    """The state that the ledger says. Blocking; raises EdgeError for a ledger of a newer version."""
    state = StationState()
    for line in book.lines(strict=book.trouble is None):
        state.apply(line)
    return state


async def settle(tools: Tools, book: Book) -> None:
    """Write the outcome of everything that was cut off, and the manifests that were not written."""
    state = tools.recorder.state
    copying = [r for r in state.recordings.values() if r.life is Life.COPYING]
    await settle_unfinished(tools, iter(copying), "restart")
    for camera, intent in list(state.clears.items()):
        await tools.recorder.record(
            f.ClearFailed(
                camera=camera,
                slot=intent.slot,
                recordings=intent.recordings,
                code=ErrorCode.CAMERA_LOST.number,
                reason="restart",
            )
        )
    await write_missing_manifests(tools, book)
    wanted = {r.id for r in state.recordings.values() if r.life in {Life.MADE, Life.COPYING}}
    await asyncio.to_thread(tools.vault.reclaim, wanted)


async def write_missing_manifests(tools: Tools, book: Book) -> None:
    """Write what a cut or an error of the disk kept from being written: without a manifest nothing is delivered."""
    waiting = [r for r in tools.recorder.state.recordings.values() if r.awaits_receipt]
    missing = [r for r in waiting if not await _manifest(tools, book, r)]
    if missing:
        await tools.alerts.raise_("manifest-missing", ErrorCode.DISK_FAULT, recording=missing[0].id)
    else:
        await tools.alerts.withdraw("manifest-missing")


async def _manifest(tools: Tools, book: Book, recording: Recording) -> bool:
    place = tools.vault.at(recording.id, recording.folder, recording.file)
    try:
        if await asyncio.to_thread(tools.vault.read_note, place.manifest) is not None:
            await asyncio.to_thread(tools.vault.settle, place)
            return True
        lines = await asyncio.to_thread(list, book.lines(recording.sealed_seq, recording.sealed_seq))
        await asyncio.to_thread(write_manifest, tools, place, lines[0])
    except EdgeError:
        return False
    return True
