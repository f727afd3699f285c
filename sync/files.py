"""Small files of the courier's own, written so that a reader sees the old or the new one, whole."""

from edged.ports import FileSystem


def replace_file(fs: FileSystem, folder: str, name: str, data: bytes) -> None:
    """Put ``data`` at ``folder/name``; durable on return. Raises OSError; the old content then stands."""
    fs.make_dirs(folder)
    temporary = f"{folder}/.{name}.new"
    _clear(fs, temporary)
    file = fs.create(temporary)
    try:
        file.write_at(0, data)
        file.sync()
    finally:
        file.close()
    fs.replace(temporary, f"{folder}/{name}")
    fs.sync_dir(folder)


def read_or_none(fs: FileSystem, path: str, limit: int = 16 * 1024 * 1024) -> bytes | None:
    """Return the file's bytes, or None if there is none. Other failures are OSError."""
    try:
        return fs.read(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        return None


def names(fs: FileSystem, path: str) -> tuple[str, ...]:
    """Return the names in a folder; none if there is no such folder."""
    try:
        return tuple(fs.list_dir(path))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def is_torn(data: bytes) -> bool:
    """Whether a file of text lines is what a power cut leaves of one that was never synced: it ends in the
    middle of a line, or blocks of zeros stand in it. An honest sender's file is neither."""
    return not data.endswith(b"\n") or b"\0" in data


def is_cut_note(note: bytes) -> bool:
    """Whether a note was cut at the end of a line, before its signature."""
    return b"\n\n" not in note or note.endswith(b"\n\n")


def exists(fs: FileSystem, path: str) -> bool:
    try:
        fs.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _clear(fs: FileSystem, path: str) -> None:
    """A crash may have left the temporary file of the time before."""
    try:
        fs.remove(path)
    except FileNotFoundError:
        return
