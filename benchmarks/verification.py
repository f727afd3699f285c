"""Checking a long ledger: in the library, by `edgectl verify`, and one recording's proof on a bare Python."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import samples
from benchmarks.rows import MIB, Row, duration
from benchmarks.scale import Scale
from drivers.disk import PosixDisk
from edged.court import verify_proof
from edged.formats.proof import encode_proof
from edged.ledger.book import Book
from edged.ledger.checkpoints import PACE, Checkpointer, Keys
from edged.ledger.proofs import prove
from edged.ledger.verify import verify_ledger

FILM = 64 * MIB


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """A ledger of ``Scale.events`` lines, written by a real Book with a checkpoint every 256 lines."""
    film = folder / "CLIP0001.MP4"
    content = os.urandom(min(FILM, scale.clip))
    await asyncio.to_thread(film.write_bytes, content)
    began = time.perf_counter()
    recording = await _write(str(folder), scale.events, content)
    written = time.perf_counter() - began
    return await asyncio.to_thread(_checks, scale, folder, film, recording, written)


async def _write(state: str, events: int, content: bytes) -> str:
    """Write the ledger; return the id of the one recording whose content there is."""
    ours = samples.sealed(hashlib.sha256(content).hexdigest(), len(content))
    book = await samples.new_book(f"{state}/ledger")
    try:
        keys = Keys(samples.STATION.verifier, samples.CENTRE.verifier, samples.STATION)
        checkpoints = await Checkpointer.open(book, PosixDisk(), state, keys)
        await book.append(ours)
        while book.size < events:
            await _some(book, min(PACE.lines, events - book.size))
            await checkpoints.checkpoint()
    finally:
        await book.close()
    return ours.recording


async def _some(book: Book, count: int) -> None:
    await asyncio.gather(*(book.append(samples.everyday(book.size + n)) for n in range(count)))


def _checks(scale: Scale, folder: Path, film: Path, recording: str, written: float) -> list[Row]:
    disk, ledger, key = PosixDisk(), str(folder / "ledger"), str(samples.STATION.verifier)
    proof, keys = folder / "proof.json", folder / "keys.txt"
    proof.write_bytes(encode_proof(prove(disk, ledger, recording, station=samples.STATION.verifier)))
    keys.write_text(f"{key}\n")
    what = f"{scale.events:,} events"

    def library() -> None:
        report = verify_ledger(disk, ledger, station=samples.STATION.verifier)
        if not report.good or report.lines != scale.events:
            raise RuntimeError(f"the ledger does not verify: {report}")

    edgectl = [sys.executable, "-m", "edged.cli.main", "verify", ledger, "--station-key", key]
    bare = [sys.executable, "-I", str(verify_proof.__file__), str(film), str(proof), str(keys)]
    return [
        duration(f"verification of {what}", _times(scale.repeats, library), f"written in {written:.1f} s"),
        duration(f"`edgectl verify` of {what}, the whole command", _times(scale.repeats, _command(edgectl, 0))),
        duration(
            f"proof of one recording of {film.stat().st_size >> 20} MiB, standard library alone",
            _times(scale.repeats, _command(bare, verify_proof.NO_WITNESS)),
        ),
    ]


def _command(words: list[str], expected: int) -> Callable[[], None]:
    def run() -> None:
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode != expected:
            raise RuntimeError(f"{words[:4]}: {done.returncode}: {done.stderr or done.stdout}")

    return run


def _times(repeats: int, work: Callable[[], None]) -> list[float]:
    taken: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken
