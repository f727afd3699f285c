"""A station's signing key is followed by another one: the line that names it, and the checkpoint that both sign.

Done by one process that holds the ledger alone, while no station runs. Cut off anywhere, it is ended by being called
again with the same two keys; until then no station starts, so that no other line comes in between.
"""

import asyncio

from edged.errors import EdgeError, ErrorCode
from edged.formats.checkpoint import Checkpoint, sign_checkpoint
from edged.formats.facts import KeyChanged
from edged.formats.note import Signer
from edged.ledger import notes
from edged.ledger.book import Book
from edged.ledger.pen import disk_error
from edged.ledger.pieces import CHECKPOINTS, LEDGER
from edged.ports import FileSystem


async def change_key(book: Book, fs: FileSystem, state: str, old: Signer, new: Signer, actor: str) -> int:
    """Return the number of the line that names ``new``; it is handed over to, durably.

    Args:
        state: folder of the station's state, whose ledger ``book`` is.

    Raises:
        EdgeError: the ledger's trouble; CONFLICT, the ledger names neither key last, or has gone on without the
            hand-over; FormatError, ``new`` was the station's before; DiskError.
    """
    if book.trouble is not None:
        raise book.trouble
    if book.keys.current == old.verifier:
        book.keys.after(book.size, str(new.verifier))  # before anything is written
        await book.append(KeyChanged(key=str(new.verifier)), actor)
    elif book.keys.current != new.verifier:
        raise EdgeError(
            ErrorCode.CONFLICT, key=str(book.keys.current), expected="the key that the ledger names"
        )
    line = book.keys.later[-1].line
    async with book.exclusive():
        await asyncio.to_thread(_hand_over, book, fs, f"{state}/{LEDGER}/{CHECKPOINTS}", line + 1, old, new)
        if book.size == line + 1:
            await asyncio.to_thread(book.roll)
    return line


def _hand_over(book: Book, fs: FileSystem, folder: str, size: int, old: Signer, new: Signer) -> None:
    try:
        newest = notes.newest_size(fs, folder) or 0
        if newest >= size:
            notes.load(fs, folder, size, book.keys)
            return
        if book.size != size:
            raise EdgeError(
                ErrorCode.CONFLICT, lines=book.size, expected=f"{size}: nothing behind the change"
            )
        fs.make_dirs(folder)
        checkpoint = Checkpoint(book.keys.name, size, book.root())
        notes.store(fs, folder, size, sign_checkpoint(checkpoint, old, new))
    except OSError as exc:
        raise disk_error(exc) from exc
