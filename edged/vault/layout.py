"""Names and places within a vault, and nothing else. Pure.

Rule 1: a name of ours is built from a generated id, a date and a fixed list of extensions; nothing a
camera says ever becomes a part of a path.
Rule 2: a name says what the file is: `*.part` a beginning, `*.marks` what of it is proved, `*.bad` a
beginning given up, `*.new` a note half written, the bare name a sealed recording or a whole note.
"""

import re
from dataclasses import dataclass
from datetime import date

MARKER = "vault.json"
RECORDINGS = "recordings"
MANIFEST, RECEIPT = "manifest.note", "receipt.note"
PART, MARKS, BAD, NEW = ".part", ".marks", ".bad", ".new"

# What cameras and scanners of the field record; everything else is "bin". The name is for a person's player only.
EXTENSIONS = frozenset(
    {"mp4", "mov", "avi", "mkv", "ts", "m4a", "mp3", "wav", "aac", "amr", "jpg", "jpeg", "log"}
    | {"png", "tif", "tiff", "bmp", "jp2"}
)

_RECORDING = re.compile(r"[0-9a-f]{32}")
_FOLDER = re.compile(r"\d{4}/\d{2}/\d{2}")
_CONTENT = re.compile(r"content\.[a-z0-9]{1,4}")


def extension(camera_path: str) -> str:
    """Return the extension for a clip that the camera calls ``camera_path``."""
    claimed = camera_path.rpartition(".")[2].lower()
    return claimed if claimed in EXTENSIONS else "bin"


def folder_of(day: date) -> str:
    """Return the day's folder within the vault: ``2026/11/22``."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def day_of(folder: str) -> date:
    """Return the day whose folder it is. Raises ValueError: it is none."""
    return date.fromisoformat(folder.replace("/", "-"))


def is_recording(name: str) -> bool:
    return _RECORDING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one recording lies. All paths absolute.

    Raises:
        ValueError: id, folder or file name is not of our making.
    """

    root: str
    folder: str  # "2026/11/22"
    recording: str  # 32 hex digits
    file: str  # "content.mp4"

    def __post_init__(self) -> None:
        if not is_recording(self.recording):
            raise ValueError(f"not a recording's id: {self.recording!r}")
        if not _FOLDER.fullmatch(self.folder) or not _CONTENT.fullmatch(self.file):
            raise ValueError(f"not a place in a vault: {self.folder!r} {self.file!r}")

    @property
    def home(self) -> str:
        return f"{self.root}/{RECORDINGS}/{self.folder}/{self.recording}"

    @property
    def content(self) -> str:
        return f"{self.home}/{self.file}"

    @property
    def part(self) -> str:
        return self.content + PART

    @property
    def marks(self) -> str:
        return self.content + MARKS

    @property
    def manifest(self) -> str:
        return f"{self.home}/{MANIFEST}"

    @property
    def receipt(self) -> str:
        return f"{self.home}/{RECEIPT}"

    def parents(self) -> tuple[str, ...]:
        """The folders from ``home`` up to the root: each holds the entry of the one before."""
        found = [self.home]
        while found[-1] != self.root:
            found.append(found[-1].rpartition("/")[0])
        return tuple(found)
