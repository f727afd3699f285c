"""Copies of a ledger that an insider may change, and what each of the two verifiers says of one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from docs import verify_ledger as independent
from edged.formats.checkpoint import countersign
from edged.formats.manifest import manifest_of, sign_manifest
from edged.formats.note import Verifier
from edged.ledger.book import Book
from edged.ledger.pieces import note_name, piece_name
from edged.ledger.report import Finding, Kind
from edged.ledger.verify import verify_ledger
from tests.edged.ledger.station import (
    CENTRE,
    COUNTERSIGNED,
    LEDGER,
    STATION,
    Station,
    note,
    sealed,
)

Work = Callable[[Book], Awaitable[object]]
VAULT = "/vault"
PIECE = f"{LEDGER}/{piece_name(0, 4)}"
SECOND = f"{LEDGER}/{piece_name(5, 6)}"
CURRENT = f"{LEDGER}/current.jsonl"
CONTENT = b"the recording's bytes" * 100
RECORDING = "7" * 32
FOLDER = f"{VAULT}/recordings/2026/11/22/{RECORDING}"


def checkpoint(size: int) -> str:
    return f"{LEDGER}/checkpoints/{note_name(size)}"


@dataclass
class Copy:
    """What an expert is handed: files by absolute path, and what he was given besides."""

    files: dict[str, bytes]
    against: bytes | None = None  # a checkpoint that was kept elsewhere
    countersigned: bool = False  # the folder of countersigned checkpoints and the centre's key
    recordings: bool = False  # the vault
    key: Verifier = STATION.verifier  # the station's, as its holder knows it

    @classmethod
    def of(cls, station: Station) -> "Copy":
        return cls(station.fs.files())

    def fresh(
        self, *, against: bytes | None = None, countersigned: bool = False, recordings: bool = False
    ) -> "Copy":
        """A copy of the files, to be changed, and what is to be given besides."""
        return Copy(dict(self.files), against, countersigned, recordings)

    def lines(self, path: str) -> list[bytes]:
        return self.files[path].splitlines()

    def put_lines(self, path: str, lines: list[bytes]) -> None:
        self.files[path] = b"".join(line + b"\n" for line in lines)

    def station(self) -> Station:
        """A disk with these files on it."""
        station = Station()
        for path, data in self.files.items():
            station.fs.put(path, data)
        return station

    def go_on(self, work: Work, *, capacity: int | None = None) -> None:
        """Let the shipped station start from these files and work; ``capacity``: bytes that are still free."""
        station = self.station()
        if capacity is not None:
            station.fs.capacity = station.fs.used() + capacity

        async def run() -> None:
            book = await station.open()
            await work(book)
            await book.close()

        asyncio.run(run())
        self.files = station.fs.files()


@dataclass(frozen=True)
class Verdict:
    """What one verifier said. ``found``: kind and line of every finding."""

    found: frozenset[tuple[str, int]]
    counts: dict[str, int]
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def good(self) -> bool:
        return not self.found

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.found}

    @property
    def only_about_facts(self) -> bool:
        """Whether all it objects to is what a fact says: only the first verifier knows the facts."""
        return all(
            f.kind is Kind.LINE_NEWER or (f.kind is Kind.LINE_BAD and f.detail == "not valid")
            for f in self.findings
        )


def first(copy: Copy) -> Verdict:
    """`edgectl verify`."""
    fs = copy.station().fs
    fs.make_dirs(LEDGER)
    report = verify_ledger(
        fs,
        LEDGER,
        station=copy.key,
        centre=CENTRE.verifier if copy.countersigned else None,
        countersigned=COUNTERSIGNED if copy.countersigned else "",
        against=copy.against,
        vault=VAULT if copy.recordings else "",
    )
    counts = {
        name: getattr(report, name)
        for name in (
            "lines",
            "checkpoints",
            "signed",
            "countersigned",
            "recordings",
            "manifests_due",
            "found",
        )
    }
    found = frozenset((str(f.kind), f.seq) for f in report.findings)
    return Verdict(found, counts, tuple(report.findings))


def second(copy: Copy, folder: Path) -> Verdict:
    """``docs/verify_ledger.py``, on a real folder."""
    done = independent.verify(independent.arguments(words(copy, folder)))
    counts = {
        "lines": done.lines,
        "checkpoints": done.checkpoints,
        "signed": done.signed,
        "countersigned": done.countersigned,
        "recordings": done.compared,
        "manifests_due": done.due_notes,
        "found": done.found,
    }
    return Verdict(frozenset((f.kind, f.line) for f in done.findings), counts)


def words(copy: Copy, folder: Path) -> list[str]:
    """The command line for a copy, once its files, and no others, lie below ``folder``."""
    lay_out(copy.files, folder)
    out = [str(folder / LEDGER[1:]), "--key", str(copy.key)]
    if copy.countersigned:
        out += ["--centre", str(CENTRE.verifier), "--countersigned", str(folder / COUNTERSIGNED[1:])]
    if copy.against is not None:
        (folder / "kept.note").write_bytes(copy.against)
        out += ["--against", str(folder / "kept.note")]
    if copy.recordings:
        out += ["--recordings", str(folder / VAULT[1:])]
    return out


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    """Change no more than differs from the copy that lay there before: a test may do this hundreds of times."""
    for path in (LEDGER, COUNTERSIGNED, VAULT):
        (folder / path[1:]).mkdir(parents=True, exist_ok=True)
    there = {f"/{file.relative_to(folder)}": file for file in folder.rglob("*") if file.is_file()}
    for path in there.keys() - files.keys():
        there[path].unlink()
    for path, data in files.items():
        if path not in there or there[path].read_bytes() != data:
            file = folder / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


# --- ledgers as the station writes them -----------------------------------------------------------------


@dataclass(frozen=True)
class Usual:
    """Pieces of lines 0-4 (a recording is sealed in line 4) and 5-6, two lines that no checkpoint covers yet.

    Attributes:
        copy: with the first checkpoint countersigned.
        earlier: the disk as it was when it had five lines.
        kept: the centre's newest countersigned checkpoint, over seven lines.
    """

    copy: Copy
    earlier: Copy
    kept: bytes


@cache
def usual() -> Usual:
    return asyncio.run(_usual())


async def _usual() -> Usual:
    station = Station()
    book = await station.with_lines("one", "two", "three")
    line = await book.append(sealed(RECORDING, CONTENT))
    station.fs.put(f"{FOLDER}/content.mp4", CONTENT)
    station.fs.put(f"{FOLDER}/manifest.note", sign_manifest(manifest_of("yahodyn-1", line), STATION))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(5))
    earlier = Copy.of(station)
    await book.append(note("four"))
    await book.append(note("five"))
    await checkpointer.checkpoint()
    await book.append(note("six"))
    await book.append(note("seven"))
    await book.close()
    kept = countersign(station.fs.read(checkpoint(7)), STATION.verifier, CENTRE)
    return Usual(Copy.of(station), earlier, kept)


@cache
def covered() -> Copy:
    """Nine lines in two pieces, every one of them under a checkpoint; the open piece is empty."""

    async def write() -> Copy:
        station = Station()
        book = await station.with_lines("one", "two", "three", "four")
        checkpointer = await station.checkpointer(book)
        await checkpointer.checkpoint()
        for text in ("five", "шість", "seven", 'eight "quoted" \\'):
            await book.append(note(text))
        await checkpointer.checkpoint()
        await book.close()
        return Copy.of(station)

    return asyncio.run(write())
