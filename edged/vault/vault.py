"""The vault: folders for recordings, beginnings, publishing, notes, space.

Rule 1: under its final name a file is whole, durable and was read back: `publish` renames what the
    sealer has verified, and never replaces anything.
Rule 2: nothing under a final name is ever removed or written to. What is removed are beginnings that
    the caller does not name as wanted, and only by `reclaim`.
Rule 3: a folder is used only while its marker names this station and this vault: an empty mount point
    or somebody else's disk is refused (K11, K12).
Rule 4: every call blocks and may raise DiskError; the core calls through `asyncio.to_thread`.
"""

import contextlib
import errno
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from edged.errors import DiskError, EdgeError, ErrorCode
from edged.ports import File, FileSystem, Random
from edged.vault import layout, marks
from edged.vault.disk_errors import disk_errors
from edged.vault.layout import Place
from edged.vault.sealing import MARK_EVERY
from edged.vault.space import SpacePolicy, Verdict, judge

MARK_ROOM = 128  # bytes; a line of the marks has 93 at most
_TYPE = "edged/vault/v1"
_MARKER_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A beginning, open for a sealer. The holder closes it."""

    place: Place
    size: int  # of the whole clip
    held: int  # bytes that an earlier copy claims; the sealer proves them before they count
    file: File
    marks: File

    def close(self) -> None:
        self.file.close()
        self.marks.close()


@dataclass(frozen=True, slots=True)
class Beginning:
    """A copy that was begun and is not sealed, as found on the disk."""

    place: Place
    stored: int  # bytes of the file


class Vault:
    """An opened vault; made by `open_vault`."""

    def __init__(
        self, fs: FileSystem, root: str, *, vault_id: str, policy: SpacePolicy | None = None
    ) -> None:
        self.vault_id, self.root = vault_id, root
        self._fs, self._policy = fs, policy or SpacePolicy()
        self._closed = False

    def is_here(self) -> bool:
        """Whether the folder is still this vault (rule 3): no longer where its disk was taken away."""
        try:
            found = _marker(self._fs.read(f"{self.root}/{layout.MARKER}", _MARKER_LIMIT), self.root)
        except (OSError, DiskError):
            return False
        return found["vault"] == self.vault_id

    def place(self, recording: str, day: date, camera_path: str) -> Place:
        """Where a new recording goes; ``day``: UTC date when the clip was first listed."""
        file = f"content.{layout.extension(camera_path)}"
        return Place(self.root, layout.folder_of(day), recording, file)

    def at(self, recording: str, folder: str, file: str) -> Place:
        """The place of a recording as the ledger has it. ValueError if it is not of our making."""
        return Place(self.root, folder, recording, file)

    # --- a copy ---

    def begin(self, place: Place, size: int) -> Part:
        """Open the beginning of a copy of ``size`` bytes, new or left by an earlier one.

        Raises:
            EdgeError: CONFLICT if the recording is there under its final name: see `finished`.
            DiskError: DISK_FULL and the others; nothing of an earlier copy is lost.
        """
        fs = self._fs
        with disk_errors("begin", place.part), contextlib.ExitStack() as undo:
            fs.make_dirs(place.home)
            if place.file in fs.list_dir(place.home):
                raise EdgeError(ErrorCode.CONFLICT, path=place.content, expected="no sealed copy")
            file = self._create_or_open(place.part)
            undo.callback(file.close)
            notes = self._create_or_open(place.marks)
            undo.callback(notes.close)
            file.allocate(size)
            notes.allocate(MARK_ROOM * (size // MARK_EVERY + 2))  # so that a full disk costs no mark either
            fs.sync_dir(place.home)
            known = [m.length for m in marks.parse(notes.read_at(0, marks.LIMIT)) if not m.sealed]
            undo.pop_all()
            return Part(place, size, min(max(known, default=0), file.size()), file, notes)

    def _create_or_open(self, path: str) -> File:
        try:
            return self._fs.create(path)
        except FileExistsError:
            return self._fs.open(path, write=True)

    def publish(self, place: Place) -> None:
        """Give a copy that the sealer has verified its final name, durably. Repeatable after a crash.

        Raises:
            EdgeError: CONFLICT if there are both a sealed file and a beginning: neither is touched.
            DiskError: the recording does not count as sealed; call again at the next docking.
        """
        with disk_errors("publish", place.content):
            names = self._fs.list_dir(place.home)
            if place.file not in names or place.part.rpartition("/")[2] in names:
                self._rename(place)
            for folder in place.parents():
                # Also the parents: the process that made them may have died before it synced them.
                self._fs.sync_dir(folder)
            # Last: a cut before could keep the mode and lose the name, and leave a beginning that
            # nobody may write.
            self._fs.protect(place.content)

    def _rename(self, place: Place) -> None:
        try:
            self._fs.rename(place.part, place.content)
        except FileExistsError as exc:
            raise EdgeError(ErrorCode.CONFLICT, path=place.content, expected="no sealed copy") from exc

    def finished(self, place: Place) -> marks.Mark | None:
        """What the sealer proved of a file that has its final name but, after a crash, no event.

        Its name is made durable first: `publish` may have been cut off, or failed, behind the rename.
        Returns the mark with size and SHA-256, to be compared with a new reading of the file before
        it is entered as sealed; None if there is no such file, or it was settled long ago.
        """
        with disk_errors("finished", place.content):
            if not self._unsettled(place):
                return None
            known = marks.parse(self._fs.read(place.marks, marks.LIMIT))
        if not known or not known[-1].sealed:
            return None
        self.publish(place)
        return known[-1]

    def _unsettled(self, place: Place) -> bool:
        return {place.file, place.file + layout.MARKS} <= set(self._names(place.home))

    def settle(self, place: Place) -> None:
        """The ledger has the recording: the marks of its making are not needed any more."""
        with disk_errors("settle", place.marks):
            if place.file in self._names(place.home):
                self._remove_if_there(place.marks)

    def give_up(self, place: Place) -> None:
        """After an error of the disk: put the beginning aside so that the next copy starts anew.

        Its bytes stay on the disk as ``….bad`` until `reclaim`: they may be all there is of a clip
        whose camera dies meanwhile. A copy that has its final name is left as it is, with its marks:
        the error came after it was whole, and `finished` takes it up.
        """
        with disk_errors("give-up", place.part):
            names = self._names(place.home)
            if place.file not in names:
                self._aside(place, names, place.part, place.marks)

    def set_aside(self, place: Place) -> None:
        """Put a copy aside that has its final name and no event, and that reads otherwise than it was
        written or than its source does. One that was settled is not touched: the ledger speaks of it."""
        with disk_errors("set-aside", place.content):
            if self._unsettled(place):
                self._aside(place, self._names(place.home), place.content, place.marks)

    def _aside(self, place: Place, names: Collection[str], *paths: str) -> None:
        for path in paths:
            if path.rpartition("/")[2] in names:
                self._fs.rename(path, self._unused(path, names))
        self._fs.sync_dir(place.home)

    @staticmethod
    def _unused(path: str, names: Collection[str]) -> str:
        number = 1
        while f"{path}.{number}{layout.BAD}".rpartition("/")[2] in names:
            number += 1
        return f"{path}.{number}{layout.BAD}"

    # --- notes beside a recording ---

    def store_manifest(self, place: Place, note: bytes) -> None:
        """Store the signed manifest durably; an equal one that is there already is kept."""
        self._store(place, place.manifest, note)

    def store_receipt(self, place: Place, note: bytes) -> None:
        """Store a receipt that the core has verified, durably (gate G6)."""
        self._store(place, place.receipt, note)

    def _store(self, place: Place, path: str, note: bytes) -> None:
        with disk_errors("store-note", path):
            if path.rpartition("/")[2] in self._names(place.home) and self._fs.read(path) == note:
                self._fs.sync_dir(place.home)
                return
            write_durably(self._fs, path, note)

    def read_note(self, path: str) -> bytes | None:
        """Return a manifest or receipt; None if there is none."""
        with disk_errors("read-note", path):
            try:
                return self._fs.read(path)
            except FileNotFoundError:
                return None

    # --- space and litter ---

    def may_offload(self, size: int) -> Verdict:
        """Whether an offload of ``size`` bytes may begin now (K01, K02, K15)."""
        with disk_errors("space", self.root):
            verdict = judge(self._policy, self._fs.space(self.root), size, closed=self._closed)
        self._closed = not verdict.ok
        return verdict

    def beginnings(self) -> Iterator[Beginning]:
        """Every beginning in the vault, given-up ones included, in the order of days."""
        for home, names in self._homes():
            for name in names:
                stem = _stem(name)
                if stem is not None:
                    day, recording = home.rpartition("/")[0], home.rpartition("/")[2]
                    folder = day.removeprefix(f"{self.root}/{layout.RECORDINGS}/")
                    with disk_errors("beginnings", home):
                        stored = self._fs.stat(f"{home}/{name}").size
                    yield Beginning(Place(self.root, folder, recording, stem), stored)

    def reclaim(self, wanted: Collection[str]) -> int:
        """Remove beginnings of recordings that nobody will resume; return the bytes set free (K13).

        Args:
            wanted: ids of the recordings whose offload is unfinished; their beginnings stay.
        """
        freed = 0
        for home, names in self._homes():
            recording = home.rpartition("/")[2]
            # A file under its final name whose marks are still there awaits its event: see `finished`.
            waits = any(name.endswith(layout.MARKS) and name[: -len(layout.MARKS)] in names for name in names)
            if recording in wanted or waits:
                continue
            for name in names:
                if name.endswith((layout.PART, layout.MARKS, layout.BAD, layout.NEW)):
                    with disk_errors("reclaim", home):
                        freed += self._fs.stat(f"{home}/{name}").size
                        self._fs.remove(f"{home}/{name}")
        return freed

    def _homes(self) -> Iterator[tuple[str, list[str]]]:
        level = [f"{self.root}/{layout.RECORDINGS}"]
        for _ in ("year", "month", "day"):
            level = [f"{folder}/{name}" for folder in level for name in self._names(folder) if name.isdigit()]
        for day in level:
            for name in self._names(day):
                if layout.is_recording(name):
                    yield f"{day}/{name}", list(self._names(f"{day}/{name}"))

    def _names(self, folder: str) -> Collection[str]:
        with disk_errors("list", folder):
            try:
                return self._fs.list_dir(folder)
            except FileNotFoundError:
                return ()

    def _remove_if_there(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.remove(path)


def _stem(name: str) -> str | None:
    """The final name that a beginning's file would get: ``content.mp4`` of ``content.mp4.part``."""
    head, mark, rest = name.partition(layout.PART)
    return head if mark and (not rest or rest.endswith(layout.BAD)) else None


def write_durably(fs: FileSystem, path: str, data: bytes) -> None:
    """Write a small file so that after a power cut the old or the new content is there. Raises OSError."""
    temporary = f"{path}{layout.NEW}"
    with contextlib.suppress(FileNotFoundError):
        fs.remove(temporary)
    with contextlib.closing(fs.create(temporary)) as file:
        file.write_at(0, data)
        file.sync()
    fs.replace(temporary, path)
    fs.sync_dir(path.rpartition("/")[0])


def create_vault(fs: FileSystem, root: str, *, station: str, random: Random) -> str:
    """Mark a folder as this station's vault; return the vault's id (commissioning).

    Raises:
        DiskError: VAULT_UNFIT if there is a marker already.
    """
    vault_id = random.token(16).hex()
    with disk_errors("create-vault", root):
        fs.make_dirs(root)
        if layout.MARKER in fs.list_dir(root):
            raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="a vault's marker")
        marker = {"type": _TYPE, "vault": vault_id, "station": station}
        write_durably(fs, f"{root}/{layout.MARKER}", json.dumps(marker).encode() + b"\n")
        fs.make_dirs(f"{root}/{layout.RECORDINGS}")
        fs.sync_dir(root)
    return vault_id


def open_vault(
    fs: FileSystem,
    root: str,
    *,
    station: str,
    vault_id: str = "",
    filesystem: str = "",
    memory_allowed: bool = False,
    policy: SpacePolicy | None = None,
) -> Vault:
    """Open the vault at ``root``.

    Args:
        vault_id: what the marker must say; "" takes any vault of this station.
        filesystem: UUID of the file system that it must lie on; "" takes any.
        memory_allowed: the configuration allows a memory file system (tests and demonstrations).

    Raises:
        DiskError: VAULT_UNFIT: no marker (the disk is not mounted), another station's or another
            disk, or a memory file system.
    """
    with disk_errors("open-vault", root):
        try:
            data = fs.read(f"{root}/{layout.MARKER}", _MARKER_LIMIT)
        except OSError as exc:
            if exc.errno in (errno.ENOENT, errno.ENOTDIR, errno.EFBIG):
                raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="no marker") from exc
            raise
        require_filesystem(fs, root, filesystem)
        if fs.in_memory(root) and not memory_allowed:
            raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="a memory file system")
    found = _marker(data, root)
    if found["station"] != station or vault_id not in ("", found["vault"]):
        raise DiskError(
            ErrorCode.VAULT_UNFIT,
            path=root,
            found=f"vault {found['vault']} of {found['station']}",
            expected=f"vault {vault_id or 'any'} of {station}",
        )
    return Vault(fs, root, vault_id=found["vault"], policy=policy)


def require_filesystem(fs: FileSystem, root: str, wanted: str) -> None:
    """Whether the folder lies on the file system with that UUID; "" takes any. Raises DiskError VAULT_UNFIT."""
    if wanted and (here := fs.filesystem_id(root)).lower() != wanted.lower():
        found = f"file system {here}" if here else "a file system without a UUID"
        raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found=found, expected=wanted)


def _marker(data: bytes, root: str) -> dict[str, str]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="a damaged marker") from exc
    if not isinstance(found, dict) or found.get("type") != _TYPE:
        raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="a marker of another kind")
    fields = {name: found.get(name) for name in ("vault", "station")}
    if not all(isinstance(value, str) and value for value in fields.values()):
        raise DiskError(ErrorCode.VAULT_UNFIT, path=root, found="a damaged marker")
    return {name: str(value)[:200] for name, value in fields.items()}
