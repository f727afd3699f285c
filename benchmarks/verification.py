"""Checking a long ledger: in the library, by `edgectl verify`, and one recording's proof on a bare Python."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Written:
    """A ledger on the disk, and one recording that it seals."""

    folder: Path
    recording: str
    events: int
    seconds: float

    @property
    def ledger(self) -> str:
        return str(self.folder / "ledger")

    @property
    def film(self) -> Path:
        return self.folder / "CLIP0001.MP4"


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """A ledger of ``Scale.events`` lines, written by a real Book with a checkpoint every 256 lines."""
    written = await prepare(scale, folder)
    return [await asyncio.to_thread(way, scale, written) for way in (library, edgectl, bare)]


async def prepare(scale: Scale, folder: Path) -> Written:
    """Write ledger, checkpoints and recording."""
    content = os.urandom(min(FILM, scale.clip))
    await asyncio.to_thread((folder / "CLIP0001.MP4").write_bytes, content)
    began = time.perf_counter()
    recording = await _write(str(folder), scale.events, content)
    return Written(folder, recording, scale.events, time.perf_counter() - began)


def library(scale: Scale, written: Written) -> Row:
    """`verify_ledger`: every line, every checkpoint."""

    def verify() -> None:
        report = verify_ledger(PosixDisk(), written.ledger, station=samples.STATION.verifier)
        if not report.good or report.lines != written.events:
            raise RuntimeError(f"the ledger does not verify: {report}")

    beside = f"written in {written.seconds:.1f} s, with a checkpoint every {PACE.lines} lines"
    return duration(f"verification of {written.events:,} events", _times(scale.repeats, verify), beside)


def edgectl(scale: Scale, written: Written) -> Row:
    """The same as a person has it done, the start of Python included."""
    words = [sys.executable, "-m", "edged.cli.main", "verify", written.ledger]
    words += ["--station-key", str(samples.STATION.verifier)]
    return duration(
        f"`edgectl verify` of {written.events:,} events", _times(scale.repeats, _command(words, 0))
    )


def bare(scale: Scale, written: Written) -> Row:
    """The proof of one recording by the verifier that needs nothing but Python."""
    proof, keys = written.folder / "proof.json", written.folder / "keys.txt"
    station = samples.STATION.verifier
    proof.write_bytes(encode_proof(prove(PosixDisk(), written.ledger, written.recording, station=station)))
    keys.write_text(f"{station}\n")
    words = [sys.executable, "-I", str(verify_proof.__file__), str(written.film), str(proof), str(keys)]
    size = written.film.stat().st_size >> 20
    return duration(
        f"standalone proof of a recording of {size} MiB among {written.events:,} events",
        _times(scale.repeats, _command(words, verify_proof.NO_WITNESS)),
    )


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
