"""A ledger's folder as a damaged disk, another program or another hand leaves it."""

import asyncio
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from edged.errors import EdgeError, ErrorCode
from edged.formats.line import LINE_LIMIT
from edged.ledger.book import Book
from edged.ledger.checkpoints import Checkpointer
from edged.ledger.opening import inspect
from edged.ledger.proofs import prove
from edged.ledger.recovery import survey
from edged.ledger.verify import verify_ledger
from tests.edged.ledger.station import CENTRE, COUNTERSIGNED, LEDGER, STATION, Station, note, sealed
from tests.fuzz.contract import KIB, Tape, Target, must, require
from tests.world.loop import VirtualLoop

T = TypeVar("T")
CURRENT = f"{LEDGER}/current.jsonl"
PIECES = (CURRENT, f"{LEDGER}/000000000000-000000000003.jsonl", f"{LEDGER}/000000000004-000000000005.jsonl")
RECORDING = "7" * 32
OPENING = frozenset({ErrorCode.LEDGER_MISSING, ErrorCode.LEDGER_CORRUPT, ErrorCode.LEDGER_NEWER})
PROVING = frozenset(
    {
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.LEDGER_CORRUPT,
        ErrorCode.LEDGER_NEWER,
        ErrorCode.FORMAT_BAD,
    }
)
_KEPT = 2  # bytes of an input that say which piece is damaged (upper two bits) and how much of it is kept
_GONE = 3  # in place of the number of a piece: the second closed one is not there at all


@cache
def _files() -> dict[str, bytes]:
    """A ledger of two closed, signed pieces, the first countersigned, and a few lines in the open one."""

    async def build() -> dict[str, bytes]:
        station = Station()
        book = await station.with_lines("one", "two")
        await book.append(sealed(RECORDING, b"content"))
        checkpointer: Checkpointer = await station.checkpointer(book)
        await checkpointer.checkpoint()
        await checkpointer.accept_countersigned(station.countersigned(4))
        for text in ("four", "five", "six", "seven", "eight"):
            station.clock.advance(0.5)
            line = await book.append(note(text))
            if line.seq == 5:
                await checkpointer.checkpoint()
        await book.close()
        return station.fs.files()

    return _run(build())


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def _station(data: bytes) -> tuple[Station, bytes]:
    """The ledger with ``data`` behind the kept part of a piece, and all lines of it that are good."""
    t, files = Tape(data), dict(_files())
    which, size = divmod(t.number(_KEPT), 1 << 14)
    path = PIECES[which % _GONE]
    kept = files[path][: size % (len(files[path]) + 1)]
    files[path] = kept[: kept.rfind(b"\n") + 1]
    if which == _GONE:
        files[PIECES[2]] = b""
    good = b"".join(files[piece] for piece in PIECES)
    files[path] = kept + t.take(t.left)
    if which == _GONE:
        del files[PIECES[2]]
    station = Station()
    for name, content in files.items():
        station.fs.put(name, content)
    return station, good


def _folder(data: bytes) -> None:
    station, good = _station(data)
    before = station.fs.files()
    _run(_open(station, good))
    for path, content in before.items():
        if path != CURRENT:
            require(station.fs.files().get(path) == content, f"{path} is not what it was")


async def _open(station: Station, good: bytes) -> None:
    """Opened, the ledger has every good line, takes another one, and is the same when opened again."""
    try:
        book = await station.open()
    except EdgeError as error:
        require(error.code in OPENING, f"{error.code.label} for damage to a ledger")
        raise
    torn = bool(station.fs.files(f"{LEDGER}/torn"))
    size, trouble = book.size, book.trouble
    with must("an opened ledger takes no line"):
        line = await book.append(note("after"))
    require(line.seq == size, "a line with another number than is due")
    await book.close()
    station.fs.power_cut()
    with must("a ledger that was opened once cannot be opened again"):
        again = await station.open()
    require(again.size == line.seq + 1, "a line that was acknowledged is gone")
    require(torn or (again.trouble is None) == (trouble is None), "trouble comes or goes by itself")
    _read(again, good)
    await again.close()


def _read(book: Book, good: bytes) -> None:
    """Every good line is read, whether the ledger is in trouble or not."""
    known = set(good.splitlines())
    try:
        found = {line.raw for line in book.lines(strict=False)}
    except EdgeError as error:
        require(error.code is ErrorCode.LEDGER_NEWER, f"{error.code.label} while reading past damage")
        raise
    require(known <= found, "a good line is not read")


def _verify(data: bytes) -> None:
    """Verifier and prover over the same folders; they write nothing."""
    station, _ = _station(data)
    keys = {"station": STATION.verifier, "centre": CENTRE.verifier, "countersigned": COUNTERSIGNED}
    before, newer = station.fs.files(), False
    try:
        report = verify_ledger(station.fs, LEDGER, **keys)  # type: ignore[arg-type]  # the three keys
        require(
            report.signed >= 4 or not report.good, "lines that were signed do not count, and nothing is found"
        )
    except EdgeError as error:
        require(error.code is ErrorCode.LEDGER_NEWER, f"{error.code.label} while verifying")
        newer = True
    try:
        prove(station.fs, LEDGER, RECORDING, **keys)  # type: ignore[arg-type]  # the three keys
    except EdgeError as error:
        require(error.code in PROVING, f"{error.code.label} while proving")
        raise
    finally:
        require(station.fs.files() == before, "looking at a ledger changed it")
    require(not newer or b'"v":' in data or b'"type"' in data, "newer than what, if there is no such line")


def _damaged(which: int, kept: int, behind: bytes = b"") -> bytes:
    """An input: ``kept`` bytes of a piece, negative ones counted from its end, and what stands behind them."""
    size = len(_files()[PIECES[which % _GONE]])
    return (which << 14 | kept % (size + 1)).to_bytes(_KEPT, "little") + behind


def _seeds() -> list[bytes]:
    current, first, second = (_files()[path] for path in PIECES)
    return [
        _damaged(0, -1),
        _damaged(0, -100),
        _damaged(0, -1, current[-200:-30]),
        _damaged(0, 0, current),
        _damaged(0, 0, current[:-1]),
        _damaged(0, -1, bytes(600)),
        _damaged(0, -1, first.splitlines(keepends=True)[1]),  # an old line once more
        _damaged(1, -1),
        _damaged(1, -300, b"damage\n"),
        _damaged(1, 0, first[:-9]),
        _damaged(1, 0, first.replace(b'"station":"', b'"station":', 1)),  # line 0 without a fact
        _damaged(1, -1, current),  # lines that its name does not cover
        _damaged(2, 0),
        _damaged(2, 0, second.replace(b"five", b"5ive")),
        _damaged(_GONE, -1),
    ]


def _hostile() -> list[bytes]:
    current = _files()[CURRENT]
    return [
        # Many short lines that are none, before several batches: none of them begins a torn tail.
        _damaged(0, -1, b"\n" * 1_500 + current),
        _damaged(0, -1, b"\n" * 1_500),
        _damaged(0, -1, b"x" * (LINE_LIMIT + 10) + b"\n" + current),
        _damaged(2, 0, b"\n" * 1_500),
        _damaged(0, 0),
    ]


TARGETS = (
    Target(
        name="ledger-folder",
        contract="Whatever stands behind the good lines, the ledger opens with all of them, or is refused with a code.",
        body=_folder,
        refusals=(EdgeError,),
        seeds=_seeds,
        limit=4 * KIB,
        share=5,
        covers=(Book.open, survey, inspect),
        hostile=_hostile,
        steps=150_000,
        steps_a_byte=300,
        memory=8 * 1024 * KIB,
        memory_a_byte=1000,
    ),
    Target(
        name="ledger-verify",
        contract="Whatever stands behind the good lines, verifier and prover say so and change nothing.",
        body=_verify,
        refusals=(EdgeError,),
        seeds=_seeds,
        limit=4 * KIB,
        share=5,
        covers=(verify_ledger, prove),
        hostile=_hostile,
        steps=150_000,
        steps_a_byte=300,
        memory=8 * 1024 * KIB,
        memory_a_byte=1000,
    ),
)
