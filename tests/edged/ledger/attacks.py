"""What an insider does to a ledger. Each function changes a copy in place."""

import asyncio
import re
from collections.abc import Callable, Sequence

import pytest

from edged.errors import DiskError
from edged.formats.checkpoint import Checkpoint, sign_checkpoint
from edged.formats.facts import StationCommissioned
from edged.formats.line import line_hash
from edged.formats.merkle import leaf_hash, root_of
from edged.formats.note import Signer, sign
from edged.ledger.book import Book
from edged.ledger.pieces import note_name, piece_name
from tests.edged.ledger.copies import CONTENT, CURRENT, FOLDER, PIECE, SECOND, Copy, Work, checkpoint, usual
from tests.edged.ledger.station import COMMISSIONED, COUNTERSIGNED, LEDGER, STATION, STRANGER, Station, note

Change = Callable[[Copy], None]
Lines = list[bytes]
PIECES = (PIECE, SECOND, CURRENT)


# --- tools of the trade ---------------------------------------------------------------------------------


def edit(path: str, old: bytes, new: bytes) -> Change:
    """Replace bytes that occur once in a file."""

    def change(copy: Copy) -> None:
        assert copy.files[path].count(old) == 1, (path, old)
        copy.files[path] = copy.files[path].replace(old, new)

    return change


def rearrange(path: str, how: Callable[[Lines], Lines]) -> Change:
    return lambda copy: copy.put_lines(path, how(copy.lines(path)))


def remove(*paths: str) -> Change:
    def change(copy: Copy) -> None:
        for path in paths:
            del copy.files[path]

    return change


def rename(old: str, new: str) -> Change:
    def change(copy: Copy) -> None:
        copy.files[new] = copy.files.pop(old)

    return change


def in_turn(*changes: Change) -> Change:
    def change(copy: Copy) -> None:
        for each in changes:
            each(copy)

    return change


def chained(lines: Sequence[bytes]) -> Lines:
    """The same lines with numbers and ``prev`` computed anew."""
    out: Lines = []
    for seq, line in enumerate(lines):
        prev = line_hash(out[-1]) if out else "0" * 64
        head = f'{{"v":1,"seq":{seq},"prev":"{prev}"'.encode()
        out.append(re.sub(rb'\{"v":1,"seq":[0-9]+,"prev":"[0-9a-f]{64}"', head, line, count=1))
    return out


def chain_anew(copy: Copy) -> None:
    """Make the chain whole again over whatever the pieces hold now."""
    counts = [len(copy.lines(path)) for path in PIECES]
    lines = chained([line for path in PIECES for line in copy.lines(path)])
    for path, count in zip(PIECES, counts, strict=True):
        copy.put_lines(path, lines[:count])
        lines = lines[count:]


def sign_anew(signer: Signer) -> Change:
    """Sign the roots of the lines as they are now, in the place of the checkpoints over 5 and 7 lines."""

    def change(copy: Copy) -> None:
        for size in (5, 7):
            root = root_of_first(copy, size)
            copy.files[checkpoint(size)] = sign_checkpoint(Checkpoint(signer.name, size, root), signer)

    return change


def write_roots_anew(copy: Copy) -> None:
    """Put the roots of the lines as they are now into the checkpoints, under the old signatures."""
    for size in (5, 7):
        text = Checkpoint(STATION.name, size, root_of_first(copy, size)).text()
        _, _, rows = copy.files[checkpoint(size)].partition(b"\n\n")
        copy.files[checkpoint(size)] = text + b"\n" + rows


def name_key(signer: Signer) -> Change:
    return edit(PIECE, str(STATION.verifier).encode(), str(signer.verifier).encode())


def other_lines(count: int) -> Work:
    async def write(book: Book) -> None:
        for n in range(count):
            await book.append(note(f"other {n}"))

    return write


# --- attacks that take more than a line ------------------------------------------------------------------

EDITED = edit(PIECE, b'"reason":"two"', b'"reason":"2wo"')
BACKDATED = edit(PIECE, b'"time":"2026-11-22T07:00:01.000Z"', b'"time":"2026-11-21T07:00:01.000Z"')
CUT = remove(SECOND, CURRENT, checkpoint(7))


def roll_back(copy: Copy) -> None:
    """Put the whole disk back to what it was when it had five lines."""
    copy.files = dict(usual().earlier.files)


def cut_signed_lines(copy: Copy) -> None:
    """Cut the end, behind line 5, and pull the plug; the last checkpoint is forgotten."""
    copy.put_lines(CURRENT, copy.lines(SECOND)[:1])
    del copy.files[SECOND]


def tear_signed_line(copy: Copy) -> None:
    """Leave half of line 6, as if the power had gone while it was written."""
    copy.files[CURRENT] = copy.files.pop(SECOND)[:-100]


def fill_the_disk(copy: Copy) -> None:
    """Leave no more room than half a line needs, in a ledger whose reserve is gone."""

    async def write(book: Book) -> None:
        with pytest.raises(DiskError):
            await book.append(note("seven"))

    copy.go_on(write, capacity=200)


def add_empty_piece(copy: Copy) -> None:
    """Its name says that it ends before it begins; no line is missing."""
    copy.files[f"{LEDGER}/{piece_name(7, 6)}"] = b""


def exchange_pieces(copy: Copy) -> None:
    copy.files[PIECE], copy.files[SECOND] = copy.files[SECOND], copy.files[PIECE]


def commission_again(copy: Copy) -> None:
    async def write(book: Book) -> None:
        await book.append(again(COMMISSIONED.station_key))

    copy.go_on(write)


def forget_the_beginning(copy: Copy) -> None:
    """Leave no line of the commissioning and no checkpoint, and a chain that is whole."""
    lines = [line for path in PIECES for line in copy.lines(path)]
    remove(PIECE, SECOND, checkpoint(5), checkpoint(7))(copy)
    copy.put_lines(CURRENT, chained(lines[1:]))


def begin_anew(signer: Signer, count: int) -> Change:
    """Throw the ledger away and install the station anew, under this key."""

    def change(copy: Copy) -> None:
        station = Station()

        async def write() -> None:
            book = await Book.create(station.fs, LEDGER, station.clock, again(str(signer.verifier)))
            for n in range(count):
                await book.append(note(f"other {n}"))
            await book.close()

        asyncio.run(write())
        copy.files = station.fs.files()

    return change


def again(key: str) -> StationCommissioned:
    values = {name: getattr(COMMISSIONED, name) for name in COMMISSIONED.__struct_fields__}
    return StationCommissioned(**values | {"station_key": key})


def countersign_by(signer: Signer) -> Change:
    """Countersign the newest checkpoint in the centre's place."""

    def change(copy: Copy) -> None:
        text = Checkpoint(STATION.name, 7, root_of_first(copy, 7)).text()
        copy.files[f"{COUNTERSIGNED}/{note_name(7)}"] = sign(text, STATION, signer)

    return change


def root_of_first(copy: Copy, size: int) -> bytes:
    lines = [line for path in PIECES for line in copy.lines(path)]
    return root_of(leaf_hash(line) for line in lines[:size])


def put_note(size: int, text: bytes) -> Change:
    """A note that the station's own key signed, whatever it says."""

    def change(copy: Copy) -> None:
        copy.files[checkpoint(size)] = sign(text, STATION)

    return change


def node_as_line(copy: Copy) -> None:
    """Put the two leaf hashes below an inner node where its two lines were."""
    lines = copy.lines(PIECE)
    copy.put_lines(PIECE, [leaf_hash(lines[0]) + leaf_hash(lines[1]), *lines[2:]])


def other_algorithm(copy: Copy) -> None:
    """Let the checkpoint over seven lines be signed by a key of the same name and another kind."""
    text = Checkpoint(STATION.name, 7, root_of_first(copy, 7)).text()
    row = sign(text, STRANGER).removeprefix(text)
    copy.files[checkpoint(7)] = text + row


def swap_recording(copy: Copy) -> None:
    copy.files[f"{FOLDER}/content.mp4"] = CONTENT[:-1] + b"?"
