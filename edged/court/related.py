"""Which lines of the ledger belong to one camera, issue or recording: an inspection gets all of them (459-V.4). Pure.

Rule 1: a line belongs if it names the thing, or something that a line which belongs has opened: the recording that an
issue made, its receipt and its copies; the incident about it, its papers and its sheet; the works on a camera's item.
Rule 2: to an issue belongs also what names its camera until that camera is granted anew: the return, the clock as it
was found, the clearing. Rule 3: persons, slots and the station as a whole are no link; else everything would belong.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.line import decode_line

_LINKS = (
    "camera", "item", "items", "issue", "issues", "recording", "recordings", "grant", "incident", "works",
    "about", "entries", "export", "sheet",
)  # fmt: skip
"""Fields that name a serial, an inventory number, or an id that stands for one thing alone."""

_OPENED: dict[type[Fact], tuple[str, ...]] = {
    f.CameraGranted: ("grant",),
    f.CameraIssued: ("grant", "issue"),
    f.RecordingSealed: ("recording",),
    f.IncidentDrafted: ("incident",),
    sf.IncidentOpened: ("incident",),
    sf.WorksOpened: ("works",),
    sf.ExportRequested: ("export",),
    sf.SheetMade: ("sheet",),
    sf.RecoveredAccepted: ("recording",),
}
"""What is found through a line of this kind, if the line belongs. A clip that was only listed: `_opened`."""

_QUOTED = re.compile(rb'"([^"\\]*)"')
_BY_ANY_NAME = re.compile(rb'\\|"type":"alert\.')  # values that the cheap look does not see as they are


def related(lines: Callable[[], Iterable[bytes]], about: Iterable[str], issue: str = "") -> frozenset[int]:
    """Return the numbers of the lines that belong.

    Args:
        lines: gives the ledger from its first line, without newlines; called until nothing new is found.
        about: what is asked for: a camera's serial and its inventory number, or a recording's id.
        issue: the issue that is asked for, or "".

    Raises:
        FormatError, EdgeError: LEDGER_NEWER: as `decode_line`.
    """
    known = {*about, issue} - {""}
    while True:
        before, window, found = len(known), _Window(issue), set[int]()
        for number, raw in enumerate(lines()):
            if not _may_name(raw, known, window.camera):
                continue
            fact = decode_line(raw).fact
            if belongs := not known.isdisjoint(_named(fact)):
                known.update(_opened(fact))
            if window.takes(fact) or belongs:
                found.add(number)
        if len(known) == before:
            return frozenset(found)


class _Window:
    """Rule 2. ``camera``: whose lines belong now, or ""."""

    def __init__(self, issue: str) -> None:
        self._issue, self.camera = issue, ""

    def takes(self, fact: Fact) -> bool:
        """Whether the next line belongs because it lies in the window."""
        if isinstance(fact, f.CameraIssued) and fact.issue == self._issue:
            self.camera = fact.camera
        elif isinstance(fact, f.CameraGranted) and fact.camera == self.camera:
            self.camera = ""
        return bool(self.camera) and getattr(fact, "camera", "") == self.camera


def _may_name(raw: bytes, known: set[str], camera: str) -> bool:
    """A cheap look: whether the line can name one of them; never False for one that does."""
    quoted = {value.decode(errors="replace") for value in _QUOTED.findall(raw)}
    return camera in quoted or not known.isdisjoint(quoted) or _BY_ANY_NAME.search(raw) is not None


def _named(fact: Fact) -> Iterator[str]:
    for name in _LINKS:
        value = getattr(fact, name, ())
        yield from value if isinstance(value, tuple) else (value,)
    if isinstance(fact, f.CameraListed):
        yield from (clip.recording for clip in fact.clips)
    if isinstance(fact, f.AlertRaised | f.AlertWithdrawn):
        yield fact.alert.partition(":")[2]


def _opened(fact: Fact) -> Iterator[str]:
    yield from (getattr(fact, name) for name in _OPENED.get(type(fact), ()))
    if isinstance(fact, f.CameraListed):
        yield from (clip.recording for clip in fact.clips)
